"""Starting at most once, and what becomes of a message that cannot start anything."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber
from pydantic import TypeAdapter

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault, RetryLater
from flowforge.model.names import Identifier
from flowforge.model.plan import ExecutionInput
from flowforge.model.start import StartRequest, Trigger, TriggerType
from flowforge.orchestration.dead_letters import MAX_REASON_CHARACTERS, DeadLetters
from flowforge.orchestration.start_messages import Handled, StartMessages
from flowforge.orchestration.starting import Machine, execution_id, start_execution

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:Workflow"
DEAD = "https://sqs.us-east-1.amazonaws.com/000000000000/dead"
STARTED = {"executionArn": MACHINE.replace("stateMachine", "execution") + ":x", "startDate": "2026-11-23T06:00:00Z"}
DEFINITION = {"id": "wf_shop", "name": "Shop", "jobs": [{"id": "job_orders", "name": "Orders"}]}


def wish(key: str = "k", workflow_id: str = "wf_shop", **fields: Any) -> StartRequest:
    trigger = Trigger(type=TriggerType.SCHEDULE, detail="2026-11-23T06:00:00Z")
    return StartRequest(workflow_id=workflow_id, idempotency_key=key, trigger=trigger, **fields)


@pytest.fixture
def states(aws: boto3.session.Session) -> Iterator[tuple[Machine, Stubber]]:
    machine = Machine(MACHINE, aws.client("stepfunctions"))
    with Stubber(machine.client) as stub:
        yield machine, stub
        stub.assert_no_pending_responses()


@pytest.fixture
def dead(aws: boto3.session.Session) -> Iterator[tuple[DeadLetters, Stubber]]:
    letters = DeadLetters(DEAD, aws.client("sqs"))
    with Stubber(letters.client) as stub:
        yield letters, stub
        stub.assert_no_pending_responses()


@pytest.fixture
def shop(lake: Lake) -> Lake:
    lake.overwrite(keys.workflow_key("wf_shop"), json.dumps(DEFINITION))
    return lake


def test_the_same_wish_has_the_same_execution_and_another_one_another() -> None:
    names = [execution_id(wish()), execution_id(wish("other")), execution_id(wish(workflow_id="wf_other"))]
    assert execution_id(wish(files={"job_orders": ("a",)})) == names[0]
    assert len(set(names)) == 3
    for name in names:
        TypeAdapter(Identifier).validate_python(name)


def test_an_execution_is_started_with_the_files_and_the_reason_of_the_wish(shop: Lake, states: tuple[Machine, Stubber]) -> None:
    machine, stub = states
    key = "landing/wf_shop/job_orders/a.csv"
    wished = wish(files={"job_orders": (key,)})
    seen: list[dict[str, Any]] = []
    machine.client.meta.events.register("provide-client-params.sfn.StartExecution", lambda params, **_: seen.append(params))
    stub.add_response("start_execution", STARTED, {"stateMachineArn": MACHINE, "name": execution_id(wished), "input": ANY})
    assert start_execution(wished, shop, machine) == execution_id(wished)
    given = ExecutionInput.model_validate_json(seen[0]["input"])
    assert (given.workflow_id, given.files, given.trigger) == ("wf_shop", {"job_orders": (key,)}, wished.trigger)


def test_a_wish_whose_execution_is_there_is_done(shop: Lake, states: tuple[Machine, Stubber]) -> None:
    machine, stub = states
    stub.add_client_error("start_execution", "ExecutionAlreadyExists", http_status_code=400)
    assert start_execution(wish(), shop, machine) == execution_id(wish())


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ThrottlingException", 400, RetryLater),
        ("ExecutionLimitExceeded", 400, RetryLater),
        ("InternalFailure", 500, RetryLater),
        ("TooManyRequestsException", 429, RetryLater),
        ("StateMachineDoesNotExist", 400, ConfigFault),
        ("AccessDeniedException", 400, ConfigFault),
        ("InvalidExecutionInput", 400, ConfigFault),
    ],
)
def test_a_busy_service_is_asked_again_and_a_refusal_is_not(
    shop: Lake, states: tuple[Machine, Stubber], code: str, status: int, error: type[Exception]
) -> None:
    machine, stub = states
    stub.add_client_error("start_execution", code, http_status_code=status)
    with pytest.raises(error, match=code):
        start_execution(wish(), shop, machine)


def test_a_service_that_is_not_reached_is_asked_again(
    shop: Lake, states: tuple[Machine, Stubber], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, _ = states

    def unreachable(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="http://nowhere")

    monkeypatch.setattr(machine.client, "start_execution", unreachable)
    with pytest.raises(RetryLater, match="nowhere"):
        start_execution(wish(), shop, machine)


@pytest.mark.parametrize(
    ("wished", "told"),
    [
        (wish(workflow_id="wf_gone"), "there is no workflow wf_gone"),
        (wish(files={"job_gone": ("a",)}), "has no job job_gone"),
    ],
)
def test_a_wish_that_can_never_run_starts_nothing(
    shop: Lake, states: tuple[Machine, Stubber], wished: StartRequest, told: str
) -> None:
    with pytest.raises(ConfigFault, match=told):
        start_execution(wished, shop, states[0])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("poison", "the message is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (wish(workflow_id="wf_gone").to_json(), "there is no workflow wf_gone"),
    ],
)
def test_a_fault_that_no_retry_mends_is_put_aside_with_its_reason(
    shop: Lake, states: tuple[Machine, Stubber], dead: tuple[DeadLetters, Stubber], body: str, reason: str
) -> None:
    letters, stub = dead
    attributes = {
        "ErrorClass": {"DataType": "String", "StringValue": "ConfigFault"},
        "Reason": {"DataType": "String", "StringValue": reason},
    }
    stub.add_response(
        "send_message", {"MessageId": "1"}, {"QueueUrl": DEAD, "MessageBody": body, "MessageAttributes": attributes}
    )
    assert StartMessages(shop, states[0], letters).handle(body) == Handled(fault=f"ConfigFault: {reason}")


def test_a_fault_that_passes_leaves_the_message_in_its_queue(
    shop: Lake, states: tuple[Machine, Stubber], dead: tuple[DeadLetters, Stubber]
) -> None:
    machine, stub = states
    stub.add_client_error("start_execution", "ThrottlingException", http_status_code=400)
    with pytest.raises(RetryLater):
        StartMessages(shop, machine, dead[0]).handle(wish().to_json())


def test_a_message_that_cannot_be_put_aside_stays_in_its_queue(dead: tuple[DeadLetters, Stubber]) -> None:
    letters, stub = dead
    stub.add_client_error("send_message", "RequestThrottled", http_status_code=403)
    with pytest.raises(RetryLater, match="its own fault: no luck"):
        letters.put("body", ConfigFault("no luck"))


@pytest.mark.parametrize(
    ("message", "kept"),
    [("", "no reason was given"), ("a\x00b\x1fc\ud800d", "a?b?c?d"), ("x" * 5000, "x" * MAX_REASON_CHARACTERS)],
)
def test_a_reason_is_something_that_the_queue_takes(dead: tuple[DeadLetters, Stubber], message: str, kept: str) -> None:
    letters, stub = dead
    seen: list[dict[str, Any]] = []
    letters.client.meta.events.register("provide-client-params.sqs.SendMessage", lambda params, **_: seen.append(params))
    stub.add_response("send_message", {"MessageId": "1"}, {"QueueUrl": DEAD, "MessageBody": "b", "MessageAttributes": ANY})
    letters.put("b", ConfigFault(message))
    assert seen[0]["MessageAttributes"]["Reason"]["StringValue"] == kept


@pytest.mark.parametrize("make", [Machine.from_environment, DeadLetters.from_environment])
def test_a_variable_that_is_not_set_is_named(make: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLOWFORGE_STATE_MACHINE_ARN", "FLOWFORGE_START_REQUESTS_DLQ_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigFault, match="is not set"):
        make()
