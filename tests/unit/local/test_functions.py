"""The function host before the real runtime client: calls, limits, and every way in which a process can end."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from flowforge.local.function_logs import FunctionLogs
from flowforge.local.functions import FunctionHost, FunctionNotFoundError, TooManyRequestsError
from flowforge.local.reaper import Reaper
from flowforge.local.sandbox import Outcome, SandboxSettings
from flowforge.local.template import FunctionSpec
from unit.local.conftest import Eventually

HANDLER = """
import os
import subprocess
import sys
import time
from pathlib import Path


class DataFault(Exception):
    pass


def handle(event, context):
    match event.get("do"):
        case "raise":
            raise DataFault("row 3")
        case "exit":
            os._exit(3)
        case "sys.exit":
            sys.exit(4)
        case "leave":
            os._exit(0)
        case "abort":
            os.abort()
        case "wait":
            Path(event["here"]).touch()
            while not Path(event["until"]).exists():
                time.sleep(0.01)
        case "allocate":
            held = bytearray(400 << 20)
            time.sleep(30)
        case "sprawl":
            return "x" * (7 << 20)
        case "nonsense":
            return object()
        case "print":
            print("a line of the handler")
        case "chatter":
            for number in range(10_000):
                print("line", number)
        case "bytes":
            os.write(1, b"\\xff\\xfe\\nno end")
        case "child":
            code = "held = bytearray(400 << 20); import time; time.sleep(30)"
            subprocess.run([sys.executable, "-c", code])
        case "fill":
            Path(os.environ["TMPDIR"], "full").write_bytes(b"x" * (6 << 20))
            time.sleep(30)
        case "scratch":
            Path(os.environ["TMPDIR"], "left").touch()
            return os.environ["TMPDIR"]
    return {
        "pid": os.getpid(),
        "folder": os.getcwd(),
        "left": context.get_remaining_time_in_millis(),
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "environment": dict(os.environ),
    }
"""

MakeHost = Callable[..., FunctionHost]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    code = tmp_path / "code"
    code.mkdir()
    (code / "handler.py").write_text(HANDLER)
    (code / "broken.py").write_text("import nothing_of_that_name\n")
    (code / "wrong.py").write_text("def (\n")
    (code / "angry.py").write_text("raise RuntimeError('not today')\n")
    return code


@pytest.fixture(scope="module")
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


def runtimes() -> list[psutil.Process]:
    """The processes of functions that this process started."""
    return [child for child in psutil.Process().children() if "awslambdaric" in child.cmdline()]


def call(host: FunctionHost, **event: Any) -> Any:
    outcome = host.invoke("F", json.dumps(event).encode())
    assert outcome.error is None, outcome.payload
    return json.loads(outcome.payload)


def failure(outcome: Outcome) -> dict[str, Any]:
    assert outcome.error == "Unhandled"
    return dict(json.loads(outcome.payload))


def fail(host: FunctionHost, **event: Any) -> dict[str, Any]:
    return failure(host.invoke("F", json.dumps(event).encode()))


def test_a_function_runs_in_its_folder_with_what_lambda_gives_it(
    make: MakeHost, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody's account")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    answer = call(make())
    assert answer["folder"] == str(folder)
    assert answer["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:F"
    assert answer["memory"] == "256"
    assert 15_000 < answer["left"] <= 20_000
    environment = answer["environment"]
    expected = {"OWN": "1", "AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": "F", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert expected.items() <= environment.items()
    assert not {"AWS_PROFILE", "HTTPS_PROXY", "PYTHONDONTWRITEBYTECODE"} & environment.keys()
    given = {
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/F",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(folder),
        "_HANDLER": "handler.handle",
        "TZ": ":UTC",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    assert given.items() <= environment.items()
    assert environment["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_python3.")
    assert environment["POLARS_TEMP_DIR"].startswith(environment["TMPDIR"])
    assert "[$LATEST]" in environment["AWS_LAMBDA_LOG_STREAM_NAME"]
    assert environment["_X_AMZN_TRACE_ID"].startswith("Root=1-")
    assert not list(folder.glob("__pycache__"))


def test_a_warm_process_takes_the_next_call_also_after_an_error(make: MakeHost) -> None:
    host = make()
    first = call(host)["pid"]
    assert fail(host, do="raise")["errorType"] == "DataFault"
    assert fail(host, do="nonsense")["errorType"] == "Runtime.MarshalError"
    assert call(host)["pid"] == first


def test_an_error_tells_type_message_and_stack(make: MakeHost) -> None:
    error = fail(make(), do="raise")
    assert (error["errorType"], error["errorMessage"]) == ("DataFault", "row 3")
    assert 'raise DataFault("row 3")' in error["stackTrace"][-1]


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


def test_a_response_above_six_megabytes_is_refused(make: MakeHost) -> None:
    assert fail(make(), do="sprawl") == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }


@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        ("nothing.handle", "Runtime.ImportModuleError", "Unable to import module 'nothing'"),
        ("broken.handle", "Runtime.ImportModuleError", "No module named 'nothing_of_that_name'"),
        ("wrong.handle", "Runtime.UserCodeSyntaxError", "Syntax error in module 'wrong'"),
        ("handler.nothing", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'handler'"),
        ("angry.handle", "RuntimeError", "not today"),
    ],
)
def test_a_function_that_cannot_be_loaded_tells_why_every_time(
    make: MakeHost, handler: str, error_type: str, message: str
) -> None:
    host = make(handler)
    for _ in range(2):
        error = fail(host)
        assert error["errorType"] == error_type
        assert message in error["errorMessage"]


def test_a_function_that_was_warmed_and_cannot_be_loaded_tells_why(make: MakeHost) -> None:
    host = make("broken.handle")
    host.warm(["F"])
    assert fail(host)["errorType"] == "Runtime.ImportModuleError"


def test_a_warmed_function_serves_its_first_call(make: MakeHost, eventually: Eventually) -> None:
    host = make()
    host.warm(["F"])
    # A process that has just been started does not tell its command line yet.
    eventually(lambda: len(runtimes()) == 1)
    [process] = runtimes()
    assert call(host)["pid"] == process.pid


def test_waiting_for_warmed_functions_ends_when_they_are_loaded_or_cannot_be(make: MakeHost) -> None:
    for handler in ("handler.handle", "nothing.handle"):
        host = make(handler)
        host.warm(["F"])
        host.wait_loaded(seconds=20)
    report = make().invoke("F", b"{}").log_tail.decode()
    assert "Init Duration" in report


def test_concurrent_calls_get_processes_of_their_own_up_to_the_bound(
    make: MakeHost, tmp_path: Path, eventually: Eventually
) -> None:
    host = make(concurrency=2)
    places = [tmp_path / f"here-{number}" for number in range(3)]
    gate = tmp_path / "gate"

    def occupy(place: Path) -> int:
        return int(call(host, do="wait", here=str(place), until=str(gate))["pid"])

    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(occupy, place) for place in places]
        eventually(lambda: sum(place.exists() for place in places) == 2)
        gate.touch()
        pids = [future.result() for future in calls]
    assert len(set(pids)) == 2


def test_no_more_processes_are_kept_warm_than_are_of_use(folder: Path, state: Path, reaper: Reaper, logs: FunctionLogs) -> None:
    specs = [FunctionSpec(name, folder, "handler.handle", 256, 20, {}) for name in "AB"]
    host = FunctionHost(specs, SandboxSettings(state, {}, reaper, logs), concurrency=1)
    try:
        host.warm("AABB")
        assert len(runtimes()) == 3
        for name in "AB":
            assert host.invoke(name, b"{}").error is None
        assert len(runtimes()) == 3
    finally:
        host.close()


def lines_of(state: Path, request_id: str) -> list[str]:
    """The lines of one call in the function's files."""
    records = [json.loads(line) for path in (state / "logs" / "F").glob("*.jsonl") for line in path.read_text().splitlines()]
    return [record["message"] for record in records if record["requestId"] == request_id]


def test_what_a_function_prints_is_in_its_log_between_the_lines_of_lambda(make: MakeHost, state: Path) -> None:
    host = make()
    for kind in ("cold", "warm"):
        outcome = host.invoke("F", b'{"do": "print"}')
        identifier = outcome.request_id
        start, printed, end, report = lines_of(state, identifier)
        assert (start, printed) == (f"START RequestId: {identifier} Version: $LATEST", "a line of the handler")
        assert end == f"END RequestId: {identifier}"
        told = dict(part.split(": ") for part in report.split("\t"))
        assert told.pop("REPORT RequestId") == identifier
        assert told.pop("Memory Size") == "256 MB"
        assert 5 < int(told.pop("Max Memory Used").removesuffix(" MB")) < 256
        assert set(told) == {"Duration", "Billed Duration"} | ({"Init Duration"} if kind == "cold" else set())
        assert outcome.log_tail.decode().splitlines() == [start, printed, end, report]


def test_the_tail_of_a_log_is_its_last_four_kilobytes(make: MakeHost, state: Path) -> None:
    outcome = make().invoke("F", b'{"do": "chatter"}')
    assert len(outcome.log_tail) == 4096
    assert outcome.log_tail.splitlines()[-1].startswith(b"REPORT")
    assert len(lines_of(state, outcome.request_id)) == 10_003


@pytest.mark.parametrize(
    ("event", "line", "status"),
    [
        ({"do": "exit"}, "Runtime exited with error: exit status 3", "Status: error\tError Type: Runtime.ExitError"),
        ({"do": "wait", "here": "/dev/null", "until": "/nowhere"}, "Task timed out after 0.50 seconds", "Status: timeout"),
    ],
)
def test_the_log_tells_what_ended_a_process(make: MakeHost, event: dict[str, Any], line: str, status: str) -> None:
    last = make(timeout=0.5).invoke("F", json.dumps(event).encode()).log_tail.decode().splitlines()[-3:]
    assert last[0].endswith(line)
    assert last[2].endswith(status)


def test_a_line_that_is_no_text_and_one_without_an_end_are_kept(make: MakeHost, state: Path) -> None:
    outcome = make().invoke("F", b'{"do": "bytes"}')
    assert outcome.log_tail.splitlines()[1:3] == [rb"\xff\xfe", b"no end"]
    assert lines_of(state, outcome.request_id)[2] == "no end"


def test_memory_of_child_processes_counts(make: MakeHost) -> None:
    assert fail(make(memory_mb=200), do="child")["errorType"] == "Runtime.OutOfMemory"


def test_a_full_scratch_folder_ends_the_process_with_the_error_of_a_full_disk(make: MakeHost) -> None:
    host = make(ephemeral_mb=5)
    error = fail(host, do="fill")
    assert error["errorType"] == "Runtime.ExitError"
    assert "No space left on device: /tmp holds more than 5 MB" in error["errorMessage"]
    assert call(host)


def test_above_its_reserved_concurrency_a_function_is_throttled(make: MakeHost, tmp_path: Path, eventually: Eventually) -> None:
    host = make(reserved_concurrency=1)
    here, gate = tmp_path / "here", tmp_path / "gate"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call, host, do="wait", here=str(here), until=str(gate))
        eventually(here.exists)
        with pytest.raises(TooManyRequestsError) as throttled:
            call(host)
        gate.touch()
        running.result()
    assert throttled.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert call(host)


def test_above_the_concurrency_of_the_account_functions_are_throttled(
    make: MakeHost, tmp_path: Path, eventually: Eventually
) -> None:
    host = make(account_concurrency=1)
    here, gate = tmp_path / "here", tmp_path / "gate"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call, host, do="wait", here=str(here), until=str(gate))
        eventually(here.exists)
        with pytest.raises(TooManyRequestsError) as throttled:
            call(host)
        gate.touch()
        running.result()
    assert throttled.value.reason == "ConcurrentInvocationLimitExceeded"


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


def test_a_process_has_a_scratch_folder_of_its_own_that_goes_with_it(make: MakeHost) -> None:
    host = make()
    scratch = Path(call(host, do="scratch"))
    assert (scratch / "left").exists()
    host.close()
    assert not scratch.exists()


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


def test_an_unknown_function_is_not_found(make: MakeHost) -> None:
    with pytest.raises(FunctionNotFoundError):
        make().invoke("G", b"{}")


def test_listeners_are_on_this_machine_only(make: MakeHost) -> None:
    call(make())
    listening = [item.laddr.ip for item in psutil.Process().net_connections("inet") if item.status == psutil.CONN_LISTEN]
    assert set(listening) <= {"127.0.0.1"}
