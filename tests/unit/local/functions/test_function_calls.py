"""Calls of a function: what it is given, what it answers, and what is refused."""

from pathlib import Path

import psutil
import pytest

from flowforge.local.functions import FunctionNotFoundError
from unit.local.functions_lab import MakeHost, call, fail


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


def test_a_response_above_six_megabytes_is_refused(make: MakeHost) -> None:
    assert fail(make(), do="sprawl") == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }


def test_an_unknown_function_is_not_found(make: MakeHost) -> None:
    with pytest.raises(FunctionNotFoundError):
        make().invoke("G", b"{}")


def test_listeners_are_on_this_machine_only(make: MakeHost) -> None:
    call(make())
    listening = [item.laddr.ip for item in psutil.Process().net_connections("inet") if item.status == psutil.CONN_LISTEN]
    assert set(listening) <= {"127.0.0.1"}
