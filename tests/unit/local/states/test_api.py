"""The service as boto3 sees it."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from flowforge.local.functions import FunctionCaller, FunctionNotFoundError
from flowforge.local.http_server import BackgroundServer
from flowforge.local.lambda_api import invoke_route
from flowforge.local.sandbox import Outcome
from flowforge.local.states.api import states_route
from flowforge.local.states.integrations import LambdaInvoke, function_name
from flowforge.local.states.service import StatesService
from unit.local.states_lab import ROLE, machine, single, task

WAITING = json.dumps(single({"Type": "Wait", "Seconds": 600}))
PASSING = json.dumps(single({"Type": "Pass"}))


class Echo:
    """A function host whose only function, Echo, answers with its event, or fails where the event asks for it."""

    def invoke(self, name: str, payload: bytes, request_id: str | None = None) -> Outcome:
        if name != "Echo":
            raise FunctionNotFoundError(name)
        if b"fail" in payload:
            return Outcome(request_id or "request", b'{"errorType": "DataFault", "errorMessage": "row 3"}', "Unhandled")
        return Outcome("request", payload)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    functions = FunctionCaller(Echo())
    service = StatesService([LambdaInvoke(functions)])
    server = BackgroundServer([states_route(service), invoke_route(functions, function_name)], service.close)
    yield server.endpoint
    server.close()
    functions.close()


@pytest.fixture(scope="module")
def client(endpoint: str) -> Callable[[str], Any]:
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    config = Config(proxies={}, retries={"total_max_attempts": 1})
    return lambda service: session.client(service, endpoint_url=endpoint, config=config)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def states(client: Callable[[str], Any]) -> Any:
    return client("stepfunctions")


@pytest.fixture
def create(states: Any) -> Callable[[str], str]:
    """Creates the test's own machine."""
    name = f"machine-{uuid.uuid4()}"
    return lambda definition: str(states.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"])


def ended(states: Any, execution: str, *, seconds: float = 10) -> dict[str, Any]:
    """The description of an execution after its end."""
    deadline = time.monotonic() + seconds
    while (description := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline, f"{execution} did not end within {seconds} s"
    return dict(description)


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_a_machine_can_be_created_described_and_listed(states: Any, create: Callable[[str], str]) -> None:
    arn = create(PASSING)
    described = states.describe_state_machine(stateMachineArn=arn)
    assert (described["definition"], described["status"], described["type"]) == (PASSING, "ACTIVE", "STANDARD")
    assert arn in [item["stateMachineArn"] for item in states.list_state_machines()["stateMachines"]]


def test_creating_the_same_machine_again_changes_nothing_and_another_one_is_refused(create: Callable[[str], str]) -> None:
    assert create(PASSING) == create(PASSING)
    with pytest.raises(ClientError, match="State Machine Already Exists") as refused:
        create(WAITING)
    assert code(refused) == "StateMachineAlreadyExists"


def test_a_definition_that_is_not_understood_is_refused(create: Callable[[str], str]) -> None:
    with pytest.raises(ClientError, match="/States/S/Type") as refused:
        create(json.dumps(single({"Type": "Perform"})))
    assert code(refused) == "InvalidDefinition"


def test_an_execution_calls_functions_and_is_described(states: Any, create: Callable[[str], str]) -> None:
    definition = single(task("Echo", Output="{% $states.result.Payload %}"))
    started = states.start_execution(stateMachineArn=create(json.dumps(definition)), name="one", input='{"a": 1}')
    description = ended(states, started["executionArn"])
    assert description["name"] == "one"
    assert (description["status"], description["input"], description["output"]) == ("SUCCEEDED", '{"a": 1}', '{"a":1}')
    assert description["stopDate"] >= description["startDate"]


def test_a_failed_execution_tells_error_and_cause(states: Any, create: Callable[[str], str]) -> None:
    arn = create(json.dumps(single(task("Echo"))))
    description = ended(states, states.start_execution(stateMachineArn=arn, input='"fail"')["executionArn"])
    assert (description["status"], description["error"]) == ("FAILED", "DataFault")
    assert json.loads(description["cause"])["errorMessage"] == "row 3"


def test_the_same_name_and_input_is_the_same_execution_while_it_runs(states: Any, create: Callable[[str], str]) -> None:
    arn = create(WAITING)
    first = states.start_execution(stateMachineArn=arn, name="one", input="{}")
    second = states.start_execution(stateMachineArn=arn, name="one", input="{}")
    assert (second["executionArn"], second["startDate"]) == (first["executionArn"], first["startDate"])
    with pytest.raises(ClientError) as refused:
        states.start_execution(stateMachineArn=arn, name="one", input='{"other": 1}')
    assert code(refused) == "ExecutionAlreadyExists"
    states.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(ClientError) as refused:
        states.start_execution(stateMachineArn=arn, name="one", input="{}")
    assert code(refused) == "ExecutionAlreadyExists"


def test_an_execution_can_be_stopped_once(states: Any, create: Callable[[str], str]) -> None:
    execution = states.start_execution(stateMachineArn=create(WAITING))["executionArn"]
    stopped = states.stop_execution(executionArn=execution, error="Enough", cause="of it")
    assert states.stop_execution(executionArn=execution, error="Again")["stopDate"] == stopped["stopDate"]
    description = states.describe_execution(executionArn=execution)
    assert (description["status"], description["error"], description["cause"]) == ("ABORTED", "Enough", "of it")
    last = states.get_execution_history(executionArn=execution, reverseOrder=True)["events"][0]
    assert (last["type"], last["executionAbortedEventDetails"]) == ("ExecutionAborted", {"error": "Enough", "cause": "of it"})


def test_executions_are_listed_by_status_the_latest_first(states: Any, create: Callable[[str], str]) -> None:
    arn = create(WAITING)
    names = ["one", "two", "three"]
    started = {name: states.start_execution(stateMachineArn=arn, name=name)["executionArn"] for name in names}
    states.stop_execution(executionArn=started["two"])
    listed = states.list_executions(stateMachineArn=arn)["executions"]
    assert [item["name"] for item in listed] == ["three", "two", "one"]
    running = states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
    assert [item["name"] for item in running] == ["three", "one"]


def test_a_history_comes_in_pages_in_either_order(states: Any, create: Callable[[str], str]) -> None:
    names = [f"S{number}" for number in range(10)]
    steps = {name: {"Type": "Pass", "Next": after} for name, after in zip(names, [*names[1:], "End"], strict=True)}
    arn = create(json.dumps(machine({**steps, "End": {"Type": "Succeed"}})))
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    ended(states, execution)
    pages = list(states.get_paginator("get_execution_history").paginate(executionArn=execution, PaginationConfig={"PageSize": 5}))
    ids = [event["id"] for page in pages for event in page["events"]]
    assert (len(pages), ids) == (5, list(range(1, 25)))
    backwards = states.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=3)
    assert [event["id"] for event in backwards["events"]] == [24, 23, 22]
    with pytest.raises(ClientError) as refused:
        states.get_execution_history(executionArn=execution, nextToken="nonsense")
    assert code(refused) == "InvalidToken"


def test_a_history_can_be_read_without_its_data(states: Any, create: Callable[[str], str]) -> None:
    execution = states.start_execution(stateMachineArn=create(PASSING), input='{"secret": 1}')["executionArn"]
    ended(states, execution)
    assert "secret" in str(states.get_execution_history(executionArn=execution)["events"])
    assert "secret" not in str(states.get_execution_history(executionArn=execution, includeExecutionData=False)["events"])


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("describe_state_machine", {"stateMachineArn": "arn:none"}, "StateMachineDoesNotExist"),
        ("start_execution", {"stateMachineArn": "arn:none"}, "StateMachineDoesNotExist"),
        ("list_executions", {"stateMachineArn": "arn:none"}, "StateMachineDoesNotExist"),
        ("describe_execution", {"executionArn": "arn:none"}, "ExecutionDoesNotExist"),
        ("get_execution_history", {"executionArn": "arn:none"}, "ExecutionDoesNotExist"),
        ("stop_execution", {"executionArn": "arn:none"}, "ExecutionDoesNotExist"),
        ("create_state_machine", {"name": "a b", "definition": PASSING, "roleArn": ROLE}, "InvalidName"),
        (
            "create_state_machine",
            {"name": "a", "definition": PASSING, "roleArn": ROLE, "type": "EXPRESS"},
            "ValidationException",
        ),
        ("list_activities", {}, "UnknownOperationException"),
    ],
)
def test_a_wrong_request_is_refused_with_the_services_own_code(
    states: Any, operation: str, arguments: dict[str, str], expected: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(states, operation)(**arguments)
    assert code(refused) == expected


@pytest.mark.parametrize("text", ["not json", '"' + "x" * 262_144 + '"'])
def test_an_input_that_is_no_json_or_too_large_is_refused(states: Any, create: Callable[[str], str], text: str) -> None:
    with pytest.raises(ClientError) as refused:
        states.start_execution(stateMachineArn=create(PASSING), input=text)
    assert code(refused) == "InvalidExecutionInput"


def test_functions_can_be_invoked_by_name_and_arn(client: Callable[[str], Any]) -> None:
    functions = client("lambda")
    for name in ("Echo", "arn:aws:lambda:us-east-1:000000000000:function:Echo"):
        answer = functions.invoke(FunctionName=name, Payload=b'{"a": 1}')
        assert (answer["StatusCode"], answer["Payload"].read()) == (200, b'{"a": 1}')
        assert "FunctionError" not in answer
    failed = functions.invoke(FunctionName="Echo", Payload=b'"fail"')
    assert (failed["StatusCode"], failed["FunctionError"]) == (200, "Unhandled")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"FunctionName": "Nobody"}, "ResourceNotFoundException"),
        ({"FunctionName": "Echo", "Payload": b"{"}, "InvalidRequestContentException"),
        ({"FunctionName": "Echo", "InvocationType": "Event"}, "InvalidParameterValueException"),
        ({"FunctionName": "Echo", "Payload": b'"' + b"x" * 6_291_456 + b'"'}, "RequestTooLargeException"),
    ],
)
def test_a_wrong_invocation_is_refused_with_lambdas_own_code(
    client: Callable[[str], Any], arguments: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ClientError) as refused:
        client("lambda").invoke(**arguments)
    assert code(refused) == expected
