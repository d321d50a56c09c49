"""The function host before the real runtime client, with one function that does as its event says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowforge.local.function_logs import FunctionLogs
from flowforge.local.functions import FunctionHost
from flowforge.local.reaper import Reaper
from flowforge.local.sandbox import SandboxSettings
from flowforge.local.template import FunctionSpec
from unit.local.functions_lab import SOURCES, MakeHost


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    code = tmp_path / "code"
    code.mkdir()
    for name, source in SOURCES.items():
        (code / name).write_text(source)
    return code


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for all tests: its compiled files make every start after the first one quick."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def logs(state: Path) -> Iterator[FunctionLogs]:
    writer = FunctionLogs(state / "logs")
    yield writer
    writer.close()


@pytest.fixture
def make(folder: Path, state: Path, reaper: Reaper, logs: FunctionLogs) -> Iterator[MakeHost]:
    """Makes hosts with one function F; they end with the test."""
    hosts = []

    def make_host(
        handler: str = "handler.handle",
        *,
        memory_mb: int = 256,
        timeout: float = 20.0,
        concurrency: int = 4,
        account_concurrency: int = 100,
        ephemeral_mb: int = 512,
        reserved_concurrency: int | None = None,
    ) -> FunctionHost:
        own = {"OWN": "1", "AWS_REGION": "of the template"}
        spec = FunctionSpec("F", folder, handler, memory_mb, timeout, own, ephemeral_mb, reserved_concurrency)
        environment = {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
        settings = SandboxSettings(state, environment, reaper, logs)
        host = FunctionHost([spec], settings, concurrency=concurrency, account_concurrency=account_concurrency)
        hosts.append(host)
        return host

    yield make_host
    for host in hosts:
        host.close()
