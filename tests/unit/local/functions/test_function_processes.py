"""Processes of functions that end: by themselves, by somebody's hand, with their host."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from unit.local.conftest import Eventually
from unit.local.functions_lab import MakeHost, call, fail, failure, runtimes


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"do": "exit"}, "Error: Runtime exited with error: exit status 3"),
        ({"do": "sys.exit"}, "Error: Runtime exited with error: exit status 4"),
        ({"do": "leave"}, "Error: Runtime exited without providing a reason"),
        ({"do": "abort"}, "Error: Runtime exited with error: signal: SIGABRT"),
    ],
)
def test_a_process_that_ends_is_told_and_replaced(make: MakeHost, event: dict[str, Any], message: str) -> None:
    host = make()
    first = call(host)["pid"]
    error = fail(host, **event)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].startswith("RequestId: ")
    assert error["errorMessage"].endswith(message)
    assert call(host)["pid"] != first


def test_a_warm_process_that_was_killed_is_replaced(make: MakeHost) -> None:
    host = make()
    first = call(host)["pid"]
    [process] = runtimes()
    process.kill()
    process.wait(timeout=5)
    assert call(host)["pid"] != first


def test_idle_processes_that_were_killed_are_taken_away(make: MakeHost, eventually: Eventually) -> None:
    host = make()
    call(host)
    [process] = runtimes()
    assert host.sweep() == 0
    process.kill()
    eventually(lambda: host.sweep() == 1)
    assert not process.is_running()


def test_a_closed_host_leaves_no_process_and_ends_calls_in_flight(make: MakeHost, tmp_path: Path, eventually: Eventually) -> None:
    host = make()
    here = tmp_path / "here"
    event = {"do": "wait", "here": str(here), "until": str(tmp_path / "never")}
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(host.invoke, "F", json.dumps(event).encode())
        eventually(here.exists)
        host.close()
        assert failure(running.result(timeout=10))["errorType"] == "Runtime.ExitError"
    assert not runtimes()
    with pytest.raises(RuntimeError, match="closed"):
        host.invoke("F", b"{}")
