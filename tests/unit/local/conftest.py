"""What the tests of the local stack share: waiting with a deadline, a guardian that ends what a test starts, and tasks."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowforge.local.ecs_tasks import TaskHost
from flowforge.local.function_logs import FunctionLogs, LogLine
from flowforge.local.reaper import Reaper
from unit.local.tasks_lab import MakeTasks, make_host

Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture
def eventually() -> Eventually:
    """Waits until something holds, ten seconds at most."""

    def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        pause = threading.Event()
        while not holds():
            assert time.monotonic() < deadline, "it did not happen within ten seconds"
            pause.wait(0.01)

    return wait


@pytest.fixture
def reaper() -> Iterator[Reaper]:
    guardian = Reaper()
    yield guardian
    guardian.close()


@pytest.fixture
def log_lines() -> list[LogLine]:
    """Every line that a task writes."""
    return []


@pytest.fixture
def make_tasks(tmp_path: Path, reaper: Reaper, log_lines: list[LogLine]) -> Iterator[MakeTasks]:
    """Makes hosts for tasks of the tests' worker; they end with the test."""
    logs = FunctionLogs(tmp_path / "logs", log_lines.extend)
    hosts: list[TaskHost] = []

    def make(**settings: Any) -> TaskHost:
        hosts.append(make_host(tmp_path / "project", tmp_path / "state", reaper, logs, **settings))
        return hosts[-1]

    yield make
    for host in hosts:
        host.close()
    logs.close()
