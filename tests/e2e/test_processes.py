"""Whatever ends the command, no process outlives it, and while it runs nobody outside the machine can reach it."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from e2e.command import RUN_SECONDS, Flowforge, Start

END_SECONDS = 20


def processes_of(state: Path) -> list[psutil.Process]:
    """Every process whose command line, environment or folder refers to the state folder."""
    found = []
    for process in psutil.process_iter():
        try:
            told = [*process.cmdline(), *process.environ().values(), process.cwd()]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if any(str(state) in text for text in told):
            found.append(process)
    return found


@contextmanager
def held(process: subprocess.Popen[str]) -> Iterator[None]:
    """Keep the command, and with it its execution, from going on while the test looks around."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def running(start: Start) -> subprocess.Popen[str]:
    """A run in the middle of a step."""
    process: subprocess.Popen[str] = start("--sample")
    assert process.stdout is not None
    for line in process.stdout:
        if line.endswith(" running\n"):
            return process
    raise AssertionError("the run ended before it could be disturbed")


def listening_addresses(state: Path, command: int) -> set[str]:
    """Where the command and what it started can be reached."""
    family = {command, *(found.pid for found in processes_of(state))}
    assert len(family) > 2
    return {
        connection.laddr.ip
        for pid in family
        for connection in psutil.Process(pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_keeps_others_out_and_a_signal_ends_everything_in_order(
    start: Start, flowforge: Flowforge, state: Path, number: int, status: int
) -> None:
    process = running(start)
    with held(process):
        assert listening_addresses(state, process.pid) == {"127.0.0.1"}
        second = flowforge("--sample")
    assert second.returncode == 1
    assert f"error: {state} is in use by process" in second.stderr
    process.send_signal(number)
    _, errors = process.communicate(timeout=RUN_SECONDS)
    assert (process.returncode, errors) == (status, "stopped\n")
    assert processes_of(state) == []


def test_sigkill_leaves_no_process_and_a_state_that_can_be_used_again(
    start: Start, flowforge: Flowforge, state: Path, tmp_path: Path
) -> None:
    process = running(start)
    family = processes_of(state)
    process.kill()
    process.communicate(timeout=RUN_SECONDS)
    _, alive = psutil.wait_procs(family, timeout=END_SECONDS)
    assert alive == []
    assert processes_of(state) == []
    (tmp_path / "after.csv").write_text("id\n1\n")
    again = flowforge("after.csv")
    assert (again.returncode, again.stderr) == (0, "")
