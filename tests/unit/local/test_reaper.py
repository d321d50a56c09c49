"""The guardian: nothing outlives its owner, whatever ends the owner."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from flowforge.local.processes import ChildProcess
from flowforge.local.reaper import Reaper
from unit.local.conftest import Eventually

# Tests that run in the background ignore SIGINT, and so would the owner.
OWNER = """
import signal, subprocess, sys
from flowforge.local.reaper import Reaper
signal.signal(signal.SIGINT, signal.SIG_DFL)

stubborn = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); sys.stdin.read()"
nest = "import subprocess, sys; subprocess.Popen(['sleep', '600']); print(1, flush=True); sys.stdin.read()"
reaper = Reaper()
children = []
for code in (stubborn, nest, nest):
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    reaper.register(child.pid)
    child.stdout.readline()
    children.append(child)
reaper.unregister(children[2].pid)
print(reaper.pid, *[child.pid for child in children], flush=True)
if sys.argv[1] == "wait":
    sys.stdin.read()
"""


def start_owner(how: str) -> tuple["subprocess.Popen[str]", list[int]]:
    """Start an owner with a guardian and three groups, of which the last was taken off the list."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    return owner, [int(pid) for pid in owner.stdout.readline().split()]


def group_of(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def end(group: int) -> None:
    """End the group that a guardian was told to forget."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_owner_leaves_no_registered_process_behind(number: signal.Signals, eventually: Eventually) -> None:
    owner, (guardian, stubborn, nest, unregistered) = start_owner("wait")
    doomed = [psutil.Process(guardian), *group_of(stubborn), *group_of(nest)]
    spared = psutil.Process(unregistered).children()
    assert len(group_of(nest)) == 2
    owner.send_signal(number)
    owner.wait(timeout=10)
    owner.communicate()
    eventually(lambda: gone(doomed))
    assert not gone(spared)
    end(unregistered)


def test_an_owner_that_ends_by_itself_leaves_nothing_either(eventually: Eventually) -> None:
    owner, (guardian, stubborn, nest, unregistered) = start_owner("go")
    owner.wait(timeout=10)
    owner.communicate()
    eventually(lambda: all(ended(pid) for pid in (guardian, stubborn, nest)))
    end(unregistered)


def test_a_closed_guardian_is_gone_and_can_be_closed_again() -> None:
    guardian = Reaper()
    pid = guardian.pid
    guardian.close()
    guardian.close()
    assert not psutil.pid_exists(pid)


def test_a_stopped_child_takes_its_whole_group_with_it(tmp_path: Path, reaper: Reaper, eventually: Eventually) -> None:
    with (tmp_path / "log").open("wb") as log:
        child = ChildProcess.start(
            ["sh", "-c", "sleep 600 & sleep 600"], reaper=reaper, cwd=tmp_path, environment={"PATH": "/usr/bin:/bin"}, log=log
        )
    eventually(lambda: len(group_of(child.pid)) == 3)
    group = group_of(child.pid)
    assert child.poll() is None
    child.stop(seconds=5)
    child.stop(seconds=5)
    eventually(lambda: gone(group))
    assert child.poll() == -signal.SIGTERM
