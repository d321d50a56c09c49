"""The operations on state machines and executions, as boto3 sees them, and how wrong requests are refused."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from flowforge.local.http_server import BackgroundServer
from flowforge.local.states.api import states_route
from flowforge.local.states.service import StatesService
from unit.local.states_lab import ROLE, single

PASSING = json.dumps(single({"Type": "Pass"}))
WAITING = json.dumps(single({"Type": "Wait", "Seconds": 600}))
NOWHERE = "arn:aws:states:us-east-1:000000000000:stateMachine:nowhere"
NOBODY = "arn:aws:states:us-east-1:000000000000:execution:nowhere:nobody"


@pytest.fixture(scope="module")
def states() -> Iterator[Any]:
    service = StatesService([])
    server = BackgroundServer([states_route(service)], service.close)
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    config = Config(proxies={}, retries={"total_max_attempts": 1})
    client = session.client("stepfunctions", endpoint_url=server.endpoint, config=config)
    yield client
    client.close()
    server.close()


def create(states: Any, definition: str = PASSING) -> str:
    return str(states.create_state_machine(name=f"m-{uuid.uuid4()}", definition=definition, roleArn=ROLE)["stateMachineArn"])


def refusal(operation: str, states: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        getattr(states, operation)(**arguments)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def ended(states: Any, execution: str) -> dict[str, Any]:
    deadline, pause = time.monotonic() + 10, threading.Event()
    while (description := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline, f"{execution} did not end within ten seconds"
        pause.wait(0.005)
    return dict(description)


def test_an_updated_machine_runs_new_executions_and_leaves_the_running_ones_alone(states: Any) -> None:
    arn = create(states, WAITING)
    assert "revisionId" not in states.describe_state_machine(stateMachineArn=arn)
    running = states.start_execution(stateMachineArn=arn)["executionArn"]
    updated = states.update_state_machine(stateMachineArn=arn, definition=PASSING)
    described = states.describe_state_machine(stateMachineArn=arn)
    assert (described["definition"], described["revisionId"]) == (PASSING, updated["revisionId"])
    assert ended(states, states.start_execution(stateMachineArn=arn)["executionArn"])["status"] == "SUCCEEDED"
    told = states.describe_state_machine_for_execution(executionArn=running)
    assert (told["definition"], told["stateMachineArn"], told["roleArn"]) == (WAITING, arn, ROLE)
    assert states.describe_execution(executionArn=running)["status"] == "RUNNING"


def test_a_role_alone_can_be_updated(states: Any) -> None:
    arn = create(states)
    states.update_state_machine(stateMachineArn=arn, roleArn=f"{ROLE}-other")
    described = states.describe_state_machine(stateMachineArn=arn)
    assert (described["definition"], described["roleArn"]) == (PASSING, f"{ROLE}-other")


def test_an_update_must_change_something_and_be_understood(states: Any) -> None:
    arn = create(states)
    told = "Either the definition, the role ARN, or both must be specified"
    assert refusal("update_state_machine", states, stateMachineArn=arn) == ("MissingRequiredParameter", told)
    code, message = refusal("update_state_machine", states, stateMachineArn=arn, definition='{"StartAt": "S"}')
    assert code == "InvalidDefinition"
    assert "SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /" in message
    assert states.describe_state_machine(stateMachineArn=arn)["definition"] == PASSING


def test_a_deleted_machine_starts_nothing_and_its_executions_go_on(states: Any) -> None:
    arn = create(states, WAITING)
    running = states.start_execution(stateMachineArn=arn)["executionArn"]
    states.delete_state_machine(stateMachineArn=arn)
    states.delete_state_machine(stateMachineArn=arn)
    assert refusal("start_execution", states, stateMachineArn=arn) == (
        "StateMachineDoesNotExist",
        f"State Machine Does Not Exist: '{arn}'",
    )
    assert arn not in [item["stateMachineArn"] for item in states.list_state_machines()["stateMachines"]]
    assert states.describe_execution(executionArn=running)["status"] == "RUNNING"


@pytest.mark.parametrize(
    ("definition", "diagnostics"),
    [
        (PASSING, []),
        ("{}", [("SCHEMA_VALIDATION_FAILED", "/", "These fields are required: [States, StartAt]")]),
        (" ", [("SCHEMA_VALIDATION_FAILED", None, "Definition must be a valid JSON object")]),
        ("[]", [("SCHEMA_VALIDATION_FAILED", None, "Definition must be a valid JSON object")]),
        (
            json.dumps({"QueryLanguage": "JSONata", "States": {"S": {"Type": "Succeed"}}}),
            [("SCHEMA_VALIDATION_FAILED", "/", "These fields are required: [StartAt]")],
        ),
        (
            json.dumps(single({"Type": "Pass", "QueryLanguage": "JSONPath"})),
            [
                (
                    "SCHEMA_VALIDATION_FAILED",
                    "/States/S",
                    "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
                )
            ],
        ),
    ],
)
def test_a_definition_can_be_validated(states: Any, definition: str, diagnostics: list[Any]) -> None:
    answer = states.validate_state_machine_definition(definition=definition)
    found = [(item["code"], item.get("location"), item["message"]) for item in answer["diagnostics"]]
    assert (answer["result"], found, answer["truncated"]) == ("FAIL" if diagnostics else "OK", diagnostics, False)


def test_diagnostics_can_be_cut_short(states: Any) -> None:
    definition = json.dumps(single({"Type": "Pass", "A": 1, "B": 2}))
    answer = states.validate_state_machine_definition(definition=definition, maxResults=1)
    assert (len(answer["diagnostics"]), answer["truncated"]) == (1, True)


@pytest.mark.parametrize(
    ("operation", "arguments", "expected"),
    [
        ("describe_state_machine", {"stateMachineArn": "abc"}, ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: abc'")),
        ("delete_state_machine", {"stateMachineArn": "abc"}, ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: abc'")),
        ("update_state_machine", {"stateMachineArn": "abc"}, ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: abc'")),
        ("list_executions", {"stateMachineArn": "abc"}, ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: abc'")),
        ("stop_execution", {"executionArn": "abc"}, ("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: abc'")),
        ("describe_execution", {"executionArn": NOBODY}, ("ExecutionDoesNotExist", f"Execution Does Not Exist: '{NOBODY}'")),
        (
            "describe_state_machine_for_execution",
            {"executionArn": NOBODY},
            ("ExecutionDoesNotExist", f"Execution Does Not Exist: '{NOBODY}'"),
        ),
        (
            "update_state_machine",
            {"stateMachineArn": NOWHERE, "definition": PASSING},
            ("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{NOWHERE}'"),
        ),
        ("list_state_machines", {"nextToken": "nonsense"}, ("InvalidToken", "Invalid Token: 'Invalid token'")),
        (
            "list_state_machines",
            {"maxResults": 1001},
            (
                "ValidationException",
                "1 validation error detected: Value '1001' at 'maxResults' failed to satisfy constraint: "
                "Member must have value less than or equal to 1000",
            ),
        ),
        (
            "create_state_machine",
            {"name": "n" * 81, "definition": PASSING, "roleArn": ROLE},
            (
                "ValidationException",
                f"1 validation error detected: Value '{'n' * 81}' at 'name' failed to satisfy constraint: "
                "Member must have length less than or equal to 80",
            ),
        ),
        ("create_state_machine", {"name": "a?", "definition": PASSING, "roleArn": ROLE}, ("InvalidName", "Invalid Name: 'a?'")),
    ],
)
def test_a_wrong_request_is_refused_in_the_services_words(
    states: Any, operation: str, arguments: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refusal(operation, states, **arguments) == expected


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("redrive_execution", {"executionArn": NOBODY}),
        ("list_activities", {}),
        ("delete_state_machine_alias", {"stateMachineAliasArn": f"{NOWHERE}:live"}),
        ("list_tags_for_resource", {"resourceArn": NOWHERE}),
    ],
)
def test_an_operation_that_the_laptop_does_not_have_is_refused_by_name(
    states: Any, operation: str, arguments: dict[str, Any]
) -> None:
    code, message = refusal(operation, states, **arguments)
    assert code == "UnknownOperationException"
    assert operation.replace("_", "") in message.lower()


@pytest.mark.parametrize("text", ["", "not json", "{'a': 'b'}"])
def test_an_input_that_is_no_json_is_refused(states: Any, text: str) -> None:
    code, message = refusal("start_execution", states, stateMachineArn=create(states), input=text)
    assert code == "InvalidExecutionInput"
    assert message.startswith("Invalid State Machine Execution Input: '")


@pytest.mark.parametrize("text", ["1", '"text"', "null", "[]"])
def test_any_json_is_an_input(states: Any, text: str) -> None:
    execution = states.start_execution(stateMachineArn=create(states), input=text)["executionArn"]
    assert ended(states, execution)["output"] == text


def test_a_token_leads_on_in_its_own_list_only(states: Any) -> None:
    arn = create(states, WAITING)
    started = [states.start_execution(stateMachineArn=arn, name=f"e{number}")["executionArn"] for number in range(5)]
    first = states.list_executions(stateMachineArn=arn, maxResults=2)
    second = states.list_executions(stateMachineArn=arn, maxResults=2, nextToken=first["nextToken"])
    third = states.list_executions(stateMachineArn=arn, maxResults=2, nextToken=second["nextToken"])
    listed = [item["executionArn"] for page in (first, second, third) for item in page["executions"]]
    assert (listed, "nextToken" in third) == (started[::-1], False)
    for other in ({"stateMachineArn": create(states)}, {"stateMachineArn": arn, "statusFilter": "FAILED"}):
        assert refusal("list_executions", states, nextToken=first["nextToken"], **other)[0] == "InvalidToken"


def test_an_ended_execution_says_that_it_cannot_be_redriven(states: Any) -> None:
    described = ended(states, states.start_execution(stateMachineArn=create(states))["executionArn"])
    assert (described["redriveStatus"], described["redriveCount"]) == ("NOT_REDRIVABLE", 0)
