"""The function host before the real runtime client, with one function that does as its event says."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flowforge.local.fork_server import FORKS, ForkServer, fork_server
from flowforge.local.function_logs import FunctionLogs
from flowforge.local.functions import FunctionHost
from flowforge.local.reaper import Reaper
from flowforge.local.sandbox import SandboxSettings
from flowforge.local.state_folder import StateFolder
from flowforge.local.template import FunctionSpec
from unit.local.functions_lab import SOURCES, MakeHost

forks = pytest.mark.skipif(not FORKS, reason="processes are forked on Linux alone")


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


@pytest.fixture(scope="module", params=["each loads its libraries", pytest.param("forked", marks=forks)])
def fork_server_of_module(state: Path, request: pytest.FixtureRequest) -> Iterator[ForkServer | None]:
    """None where every process of a function is started for itself."""
    if request.param != "forked":
        yield None
        return
    with closing(Reaper()) as guardian, fork_server(StateFolder(state), guardian) as server:
        yield server


@pytest.fixture
def make(
    folder: Path, state: Path, reaper: Reaper, logs: FunctionLogs, fork_server_of_module: ForkServer | None
) -> Iterator[MakeHost]:
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
        settings = SandboxSettings(state, environment, reaper, logs, fork_server_of_module)
        host = FunctionHost([spec], settings, concurrency=concurrency, account_concurrency=account_concurrency)
        hosts.append(host)
        return host

    yield make_host
    for host in hosts:
        host.close()
