"""The command as a person runs it: a process of its own, the real local stack, a state folder of the test's own."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.command import RUN_SECONDS, Flowforge, Start, command, environment
from e2e.documents import ROOT


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def kept_stack(state: Path) -> Iterator[None]:
    """A stack on the module's state that every run of the module uses."""
    subprocess.run(command("up", "--detach", "--state", state), env=environment(), capture_output=True, check=True)
    yield
    subprocess.run(command("down", "--state", state), env=environment(), capture_output=True, check=True)


@pytest.fixture
def flowforge(state: Path, tmp_path: Path) -> Flowforge:
    """Run ``flowforge run`` to its end, in the test's folder and on the module's state."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command("run", *arguments, "--state", state),
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    return run


@pytest.fixture
def start(state: Path, tmp_path: Path) -> Iterator[Start]:
    """Start ``flowforge run`` and leave it running; what a failed test leaves behind is ended."""
    started: list[subprocess.Popen[str]] = []

    def popen(*arguments: str | Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command("run", *arguments, "--state", state),
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield popen
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=RUN_SECONDS)


@pytest.fixture(scope="module")
def copy_of_the_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that a clone would have, and nothing else."""
    copy = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy
