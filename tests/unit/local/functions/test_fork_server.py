"""Functions' processes that are forked: what they are, and what becomes of them when their server is killed."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from flowforge.local.errors import LocalStackError
from flowforge.local.fork_server import ForkServer
from flowforge.local.forked_process import ForkedProcess
from flowforge.local.function_logs import FunctionLogs
from flowforge.local.functions import FunctionHost
from flowforge.local.process_environment import process_environment
from flowforge.local.reaper import Reaper
from flowforge.local.sandbox import SandboxSettings
from flowforge.local.template import FunctionSpec
from unit.local.conftest import Eventually
from unit.local.functions.conftest import forks
from unit.local.functions_lab import call

pytestmark = forks

PROGRAM = """
import json, os, random, sys
print(json.dumps({
    "arguments": sys.argv, "folder": os.getcwd(), "path": sys.path[0], "environment": dict(os.environ), "group": os.getpgrp(),
    "number": random.random(), "files": len(os.listdir("/proc/self/fd")), "input": sys.stdin.read(), "name": __name__,
    "engines": [name for name in ("polars", "pyarrow") if name in sys.modules],
    "loaded": "flowforge.orchestration.start_messages" in sys.modules,
}))
sys.exit(int(os.environ.get("CODE", "0")))
"""


@pytest.fixture
def server(state: Path, reaper: Reaper) -> Iterator[ForkServer]:
    with closing(ForkServer(reaper, process_environment(state), state / "logs" / "fork-server.log")) as server:
        yield server


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "told.py").write_text(PROGRAM)
    (tmp_path / "waits.py").write_text("import time; time.sleep(60)")
    return tmp_path


def the_server() -> psutil.Process:
    [found] = [child for child in psutil.Process().children() if "flowforge.local.forking" in child.cmdline()]
    return found


def test_a_forked_process_is_what_a_started_one_would_be(server: ForkServer, program: Path) -> None:
    told = []
    for code in (0, 3):
        with (program / "log").open("w+b") as log:
            environment = {**process_environment(program), "CODE": str(code), "OWN": "1"}
            process = server.fork("Own", "told", ["one", "two"], folder=program, environment=environment, log=log)
            assert process.wait(timeout=10) == code
            log.seek(0)
            told.append(json.load(log))
        assert told[-1]["environment"] == environment
        assert told[-1]["group"] == process.pid
    assert told[0]["arguments"][1:] == ["one", "two"]
    assert (told[0]["folder"], told[0]["path"], told[0]["name"]) == (str(program), str(program), "__main__")
    assert (told[0]["input"], told[0]["files"]) == ("", 4), "nothing but its three streams and the folder being listed"
    assert (told[0]["engines"], told[0]["loaded"]) == ([], True)
    assert told[0]["number"] != told[1]["number"]


def test_the_ends_of_forked_processes_are_told_by_signal_too(server: ForkServer, program: Path) -> None:
    with (program / "log").open("wb") as log:
        waiting = [server.fork("W", "waits", [], folder=program, environment={}, log=log) for _ in range(3)]
    assert [process.poll() for process in waiting] == [None, None, None]
    waiting[0].terminate()
    psutil.Process(waiting[1].pid).kill()
    assert [process.wait(timeout=10) for process in waiting[:2]] == [-15, -9]
    assert waiting[2].poll() is None
    psutil.Process(waiting[2].pid).kill()
    assert waiting[2].wait(timeout=10) == -9


def test_a_killed_server_takes_its_processes_along_and_another_one_forks_the_next(
    server: ForkServer, program: Path, eventually: Eventually
) -> None:
    with (program / "log").open("wb") as log:
        lost = server.fork("W", "waits", [], folder=program, environment={}, log=log)
        the_server().kill()
        assert lost.wait(timeout=10) == -9
        eventually(lambda: not psutil.pid_exists(lost.pid))
        found = server.fork("W", "waits", [], folder=program, environment={}, log=log)
    assert found.poll() is None
    server.close()
    assert found.wait(timeout=10) == -9


def test_a_server_that_cannot_load_says_where_its_log_is(reaper: Reaper, program: Path) -> None:
    (program / "broken.py").write_text("raise RuntimeError('not this one')")
    log = program / "fork-server.log"
    environment = {**process_environment(program), "PYTHONPATH": str(program)}
    with (
        closing(ForkServer(reaper, environment, log, ["broken"])) as server,
        (program / "log").open("wb") as file,
        pytest.raises(LocalStackError, match=r"fork-server\.log"),
    ):
        server.fork("W", "waits", [], folder=program, environment={}, log=file)
    assert "not this one" in log.read_text()


def test_what_is_read_when_a_process_or_a_library_is_loaded_takes_a_process_of_its_own(server: ForkServer, state: Path) -> None:
    environment = process_environment(state)
    assert server.suits({**environment, "OWN": "1"})
    assert not server.suits({**environment, "PYTHONUTF8": "0"})
    assert not server.suits({**environment, "LD_PRELOAD": "/lib/other.so"})
    assert not server.suits({**environment, "POWERTOOLS_DEBUG": "true"})
    assert not server.suits({**environment, "AWS_PROFILE": "other"})


def test_code_that_has_changed_on_disk_is_what_the_next_process_runs(
    reaper: Reaper, program: Path, state: Path, eventually: Eventually
) -> None:
    own = program / "own.py"
    (program / "prints.py").write_text("import own; print(own.VALUE, flush=True); import time; time.sleep(60)")
    environment = {**process_environment(state), "PYTHONPATH": str(program)}
    own.write_text("VALUE = 1")
    with (
        closing(ForkServer(reaper, environment, program / "fork-server.log", ["own"])) as server,
        (program / "log").open("wb") as log,
    ):

        def forked() -> ForkedProcess:
            return server.fork("P", "prints", [], folder=program, environment=environment, log=log)

        before, beside = forked(), forked()
        eventually(lambda: (program / "log").read_text() == "1\n1\n")
        first = the_server()
        own.write_text("VALUE = 'two'")
        after = forked()
        eventually(lambda: (program / "log").read_text() == "1\n1\ntwo\n")
        assert [process.poll() for process in (before, beside, after)] == [None, None, None]
        # The first server tells the ends of its processes, and ends after the last one.
        for process in (before, beside):
            assert first.is_running()
            process.terminate()
            assert process.wait(timeout=10) == -15
        eventually(lambda: not first.is_running())
        assert after.poll() is None


def test_a_server_that_was_killed_a_moment_ago_is_replaced_at_once(reaper: Reaper, state: Path, program: Path) -> None:
    with (
        closing(ForkServer(reaper, process_environment(state), program / "fork-server.log", [])) as server,
        (program / "log").open("wb") as log,
    ):
        for _ in range(3):
            assert server.fork("W", "waits", [], folder=program, environment={}, log=log).pid
            the_server().kill()


def test_where_the_server_cannot_load_its_modules_functions_are_started(
    reaper: Reaper, program: Path, state: Path, folder: Path, logs: FunctionLogs
) -> None:
    (program / "broken.py").write_text("raise RuntimeError('not this one')")
    environment = {**process_environment(state), "PYTHONPATH": str(program)}
    spec = FunctionSpec("F", folder, "handler.handle", 256, 20.0, {"PYTHONPATH": str(program)})
    with closing(ForkServer(reaper, environment, program / "fork-server.log", ["broken"])) as forks_nothing:
        host = FunctionHost([spec], SandboxSettings(state, {}, reaper, logs, forks_nothing))
        assert call(host)["folder"] == str(folder)
        host.close()
