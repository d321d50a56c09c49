"""The Invoke API before boto3, over functions that are scripted."""

import base64
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from flowforge.local.functions import FunctionCaller, FunctionNotFoundError, TooManyRequestsError
from flowforge.local.http_server import BackgroundServer
from flowforge.local.lambda_api import invoke_route
from flowforge.local.sandbox import Outcome

RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"


class Functions:
    """Echo answers with its event; Busy is above its concurrency; there is no other."""

    def __init__(self) -> None:
        self.accepted: list[tuple[str, bytes]] = []

    def invoke(self, name: str, payload: bytes, request_id: str | None = None) -> Outcome:
        self.check(name)
        if name == "Busy":
            raise TooManyRequestsError(RESERVED)
        return Outcome(request_id or "r-1", payload, log_tail=b"START\nEND\n")

    def check(self, name: str) -> None:
        if name not in ("Echo", "Busy"):
            raise FunctionNotFoundError(name)

    def accept(self, name: str, payload: bytes) -> str:
        self.check(name)
        self.accepted.append((name, payload))
        return "r-2"


async def nothing() -> None:
    """There is nothing to stop."""


@pytest.fixture(scope="module")
def functions() -> Functions:
    return Functions()


@pytest.fixture(scope="module")
def client(functions: Functions) -> Iterator[Any]:
    caller = FunctionCaller(functions)
    server = BackgroundServer([invoke_route(caller, lambda name: name.split(":")[0], functions)], nothing)
    config = Config(retries={"total_max_attempts": 1}, proxies={})
    session = boto3.session.Session("test", "test", region_name="us-east-1")
    yield session.client("lambda", endpoint_url=server.endpoint, config=config)
    server.close()
    caller.close()


def test_a_call_is_answered_with_the_end_of_its_log_where_that_is_asked_for(client: Any) -> None:
    answer = client.invoke(FunctionName="Echo", Payload=b'{"a": 1}', LogType="Tail", Qualifier="live")
    assert (answer["StatusCode"], answer["ExecutedVersion"], answer["Payload"].read()) == (200, "$LATEST", b'{"a": 1}')
    assert base64.b64decode(answer["LogResult"]) == b"START\nEND\n"
    assert "LogResult" not in client.invoke(FunctionName="Echo")


def test_an_asynchronous_call_is_accepted_with_its_request_id(client: Any, functions: Functions) -> None:
    answer = client.invoke(FunctionName="Echo", InvocationType="Event", Payload=b"[1]")
    assert (answer["StatusCode"], answer["ResponseMetadata"]["RequestId"], answer["Payload"].read()) == (202, "r-2", b"")
    assert functions.accepted == [("Echo", b"[1]")]


def test_a_dry_run_calls_nothing(client: Any) -> None:
    assert client.invoke(FunctionName="Busy", InvocationType="DryRun")["StatusCode"] == 204


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        ({"FunctionName": "Nobody"}, 404, "ResourceNotFoundException"),
        ({"FunctionName": "Nobody", "InvocationType": "Event"}, 404, "ResourceNotFoundException"),
        ({"FunctionName": "Nobody", "InvocationType": "DryRun"}, 404, "ResourceNotFoundException"),
        ({"FunctionName": "Echo", "InvocationType": "Sometimes"}, 400, "ValidationException"),
        ({"FunctionName": "Echo", "Payload": b"{"}, 400, "InvalidRequestContentException"),
        ({"FunctionName": "Echo", "ClientContext": "e30="}, 400, "InvalidParameterValueException"),
        ({"FunctionName": "Echo", "Payload": b'"' + b"x" * 6_291_456 + b'"'}, 413, "RequestTooLargeException"),
        (
            {"FunctionName": "Echo", "InvocationType": "Event", "Payload": b'"' + b"x" * 1_048_576 + b'"'},
            413,
            "RequestTooLargeException",
        ),
    ],
)
def test_a_wrong_call_is_refused_with_lambdas_own_code(client: Any, arguments: dict[str, Any], status: int, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        client.invoke(**arguments)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_throttled_call_tells_the_reason(client: Any) -> None:
    with pytest.raises(client.exceptions.TooManyRequestsException) as throttled:
        client.invoke(FunctionName="Busy")
    assert throttled.value.response["Reason"] == RESERVED
    assert throttled.value.response["Error"]["Message"] == "Rate Exceeded."
