"""Time, memory and scratch space of a function: what it exceeds ends its process."""

from pathlib import Path

import psutil

from unit.local.functions_lab import MakeHost, call, fail


def test_a_call_that_takes_too_long_is_ended_with_its_process(make: MakeHost, tmp_path: Path) -> None:
    host = make(timeout=0.5)
    first = call(host)["pid"]
    error = fail(host, do="wait", here=str(tmp_path / "here"), until=str(tmp_path / "never"))
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Error: Task timed out after 0.50 seconds")
    assert not psutil.pid_exists(first)


def test_a_call_that_takes_too_much_memory_is_ended_with_its_process(make: MakeHost) -> None:
    host = make(memory_mb=200)
    first = call(host)["pid"]
    error = fail(host, do="allocate")
    assert error["errorType"] == "Runtime.OutOfMemory"
    assert error["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert not psutil.pid_exists(first)


def test_memory_of_child_processes_counts(make: MakeHost) -> None:
    assert fail(make(memory_mb=200), do="child")["errorType"] == "Runtime.OutOfMemory"


def test_a_full_scratch_folder_ends_the_process_with_the_error_of_a_full_disk(make: MakeHost) -> None:
    host = make(ephemeral_mb=5)
    error = fail(host, do="fill")
    assert error["errorType"] == "Runtime.ExitError"
    assert "No space left on device: /tmp holds more than 5 MB" in error["errorMessage"]
    assert call(host)


def test_a_process_has_a_scratch_folder_of_its_own_that_goes_with_it(make: MakeHost) -> None:
    host = make()
    scratch = Path(call(host, do="scratch"))
    assert (scratch / "left").exists()
    host.close()
    assert not scratch.exists()
