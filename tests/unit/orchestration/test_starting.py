"""Starting each wish once, and what becomes of a message that cannot start anything."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber
from pydantic import TypeAdapter

from databases import ANNA, orders_job
from flowforge.metadata.database import Database
from flowforge.metadata.refusals import NotThere
from flowforge.metadata.run_state import execution_state, record_execution
from flowforge.metadata.schema.runs import WishStatus
from flowforge.metadata.wishes import wish_of_execution
from flowforge.metadata.workflows import create_workflow
from flowforge.model.environment import Environment
from flowforge.model.errors import ConfigFault, RetryLater
from flowforge.model.names import Identifier
from flowforge.model.plan import ExecutionInput
from flowforge.model.run_state import ExecutionState
from flowforge.model.run_status import ExecutionStatus
from flowforge.model.start import StartRequest, Trigger, TriggerType, TurnRequest
from flowforge.model.workflow_settings import Concurrency, WorkflowSettings
from flowforge.orchestration.dead_letters import MAX_REASON_CHARACTERS, DeadLetters
from flowforge.orchestration.machine import Machine
from flowforge.orchestration.run_requests import execution_id
from flowforge.orchestration.start_messages import StartMessages
from flowforge.orchestration.start_queue import StartQueue
from flowforge.orchestration.starting import Starter
from machines import Executions, refused

DEAD = "https://sqs.us-east-1.amazonaws.com/000000000000/dead"


def wish(key: str = "k", workflow_id: str = "wf_shop", **fields: Any) -> StartRequest:
    trigger = Trigger(type=TriggerType.SCHEDULE, detail="2026-11-23T06:00:00Z")
    return StartRequest(workflow_id=workflow_id, idempotency_key=key, trigger=trigger, **fields)


@pytest.fixture
def runs() -> Executions:
    return Executions()


@pytest.fixture
def shop(database: Database) -> Database:
    with database.transaction() as connection:
        create_workflow(connection, ANNA, Environment.DEV, "Shop", workflow_id="wf_shop", jobs_of_it=[orders_job()])
    return database


@pytest.fixture
def starter(shop: Database, runs: Executions) -> Starter:
    return Starter(shop, runs.machine())


@pytest.fixture
def dead(aws: boto3.session.Session) -> Iterator[tuple[DeadLetters, Stubber]]:
    letters = DeadLetters(DEAD, aws.client("sqs"))
    with Stubber(letters.client) as stub:
        yield letters, stub
        stub.assert_no_pending_responses()


def status_of(database: Database, request: StartRequest) -> WishStatus | None:
    with database.transaction() as connection:
        found = wish_of_execution(connection, execution_id(request))
    return None if found is None else found.status


def end(database: Database, request: StartRequest) -> None:
    with database.transaction() as connection:
        record_execution(connection, ExecutionState(execution_id=execution_id(request), status=ExecutionStatus.SUCCEEDED))


def test_the_same_wish_has_the_same_execution_and_another_one_another() -> None:
    names = [execution_id(wish()), execution_id(wish("other")), execution_id(wish(workflow_id="wf_other"))]
    assert execution_id(wish(files={"orders": ("a",)})) == names[0]
    assert len(set(names)) == 3
    for name in names:
        TypeAdapter(Identifier).validate_python(name)


def test_an_execution_is_started_with_the_files_and_the_reason_of_the_wish(starter: Starter, runs: Executions) -> None:
    wished = wish(files={"orders": ("landing/wf_shop/orders/a.csv",)})
    assert starter.take(wished).execution_id == execution_id(wished)
    [ran] = runs.ran.values()
    given = ExecutionInput.model_validate_json(ran.input)
    assert (ran.name, given.workflow_id, given.files, given.trigger) == (
        execution_id(wished),
        "wf_shop",
        wished.files,
        wished.trigger,
    )
    assert status_of(starter.database, wished) is WishStatus.STARTED


def test_a_wish_that_comes_again_starts_nothing_more_even_when_its_execution_has_ended(
    starter: Starter, runs: Executions
) -> None:
    starter.take(wish())
    starter.take(wish())
    runs.end(execution_id(wish()), "SUCCEEDED")
    end(starter.database, wish())
    starter.take(wish())
    assert list(runs.ran) == [execution_id(wish())]


def test_a_start_whose_answer_was_lost_is_the_same_start(starter: Starter, runs: Executions) -> None:
    def lost(_operation: str) -> None:
        runs.before = lambda _operation: None
        starter.machine.start(execution_id(wish()), ExecutionInput(workflow_id="wf_shop", trigger=wish().trigger))
        raise EndpointConnectionError(endpoint_url="http://nowhere")

    runs.before = lost
    with pytest.raises(RetryLater, match="nowhere"):
        starter.take(wish())
    assert status_of(starter.database, wish()) is WishStatus.ADMITTED
    starter.take(wish())
    assert (status_of(starter.database, wish()), list(runs.ran)) == (WishStatus.STARTED, [execution_id(wish())])


def test_wishes_of_a_workflow_run_one_after_the_other(starter: Starter, runs: Executions) -> None:
    first, second, third = wish("1"), wish("2"), wish("3")
    for each in (first, second, third):
        starter.take(each)
    assert list(runs.ran) == [execution_id(first)]
    assert starter.start_next("wf_shop") == 0
    end(starter.database, first)
    assert starter.start_next("wf_shop") == 1
    end(starter.database, second)
    assert starter.start_next("wf_shop") == 1
    assert list(runs.ran) == [execution_id(each) for each in (first, second, third)]


@pytest.mark.parametrize(
    ("settings", "statuses", "started"),
    [
        (WorkflowSettings(concurrency=Concurrency.SKIP), [WishStatus.STARTED, WishStatus.SKIPPED], 1),
        (WorkflowSettings(concurrency=Concurrency.PARALLEL), [WishStatus.STARTED, WishStatus.STARTED], 2),
        (WorkflowSettings(paused=True), [WishStatus.SKIPPED, WishStatus.SKIPPED], 0),
    ],
)
def test_a_workflow_says_what_becomes_of_its_wishes(
    database: Database, runs: Executions, settings: WorkflowSettings, statuses: list[WishStatus], started: int
) -> None:
    with database.transaction() as connection:
        create_workflow(
            connection,
            ANNA,
            Environment.DEV,
            "Shop",
            workflow_id="wf_shop",
            jobs_of_it=[orders_job()],
            settings=settings,
        )
    starter = Starter(database, runs.machine())
    assert [starter.take(each) and status_of(database, each) for each in (wish("1"), wish("2"))] == statuses
    assert len(runs.ran) == started


def test_a_person_runs_a_paused_workflow(database: Database, runs: Executions) -> None:
    with database.transaction() as connection:
        paused = WorkflowSettings(paused=True)
        create_workflow(
            connection, ANNA, Environment.DEV, "Shop", workflow_id="wf_shop", jobs_of_it=[orders_job()], settings=paused
        )
    wished = wish().model_copy(update={"trigger": Trigger(type=TriggerType.MANUAL)})
    Starter(database, runs.machine()).take(wished)
    assert list(runs.ran) == [execution_id(wished)]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ThrottlingException", 400),
        ("ExecutionLimitExceeded", 400),
        ("InternalFailure", 500),
        ("TooManyRequestsException", 429),
    ],
)
def test_a_busy_service_is_asked_again(starter: Starter, runs: Executions, code: str, status: int) -> None:
    def busy(operation: str) -> None:
        raise refused(code, operation, status)

    runs.before = busy
    with pytest.raises(RetryLater, match=code):
        starter.take(wish())
    assert status_of(starter.database, wish()) is WishStatus.ADMITTED


@pytest.mark.parametrize("code", ["StateMachineDoesNotExist", "AccessDeniedException", "InvalidExecutionInput"])
def test_a_start_that_is_refused_ends_its_execution_and_lets_the_next_one_through(
    starter: Starter, runs: Executions, code: str
) -> None:
    def refuse(operation: str) -> None:
        raise refused(code, operation)

    runs.before = refuse
    with pytest.raises(ConfigFault, match=code):
        starter.take(wish("1"))
    runs.before = lambda _operation: None
    starter.take(wish("2"))
    with starter.database.transaction() as connection:
        failed = execution_state(connection, execution_id(wish("1")))
    assert failed is not None
    assert (failed["status"], failed["error"], code in failed["cause"]) == (ExecutionStatus.FAILED, "NotStarted", True)
    assert list(runs.ran) == [execution_id(wish("2"))]


@pytest.mark.parametrize(
    ("wished", "error", "told"),
    [
        (wish(workflow_id="wf_gone"), NotThere, "there is no workflow wf_gone"),
        (wish(files={"job_gone": ("a",)}), ConfigFault, "has no job job_gone"),
        (wish(rebuild="job_gone"), ConfigFault, "has no job job_gone"),
    ],
)
def test_a_wish_that_can_never_run_starts_nothing(
    starter: Starter, runs: Executions, wished: StartRequest, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        starter.take(wished)
    assert (runs.ran, status_of(starter.database, wished)) == ({}, None)


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        ("poison", "ConfigFault", "the message is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (wish(workflow_id="wf_gone").to_json(), "NotThere", "there is no workflow wf_gone"),
    ],
)
def test_a_fault_that_no_retry_mends_is_put_aside_with_its_reason(
    starter: Starter, dead: tuple[DeadLetters, Stubber], body: str, kind: str, reason: str
) -> None:
    letters, stub = dead
    attributes = {
        "ErrorClass": {"DataType": "String", "StringValue": kind},
        "Reason": {"DataType": "String", "StringValue": reason},
    }
    stub.add_response(
        "send_message", {"MessageId": "1"}, {"QueueUrl": DEAD, "MessageBody": body, "MessageAttributes": attributes}
    )
    assert StartMessages("flowforge-data", starter, letters).handle(body).fault == f"{kind}: {reason}"


def test_a_fault_that_passes_leaves_the_message_in_its_queue(
    starter: Starter, runs: Executions, dead: tuple[DeadLetters, Stubber]
) -> None:
    def busy(operation: str) -> None:
        raise refused("ThrottlingException", operation)

    runs.before = busy
    with pytest.raises(RetryLater):
        StartMessages("flowforge-data", starter, dead[0]).handle(wish().to_json())


def test_word_of_a_turn_starts_what_waits(starter: Starter, runs: Executions, dead: tuple[DeadLetters, Stubber]) -> None:
    messages = StartMessages("flowforge-data", starter, dead[0])
    for key in ("1", "2"):
        messages.handle(wish(key).to_json())
    end(starter.database, wish("1"))
    messages.handle(TurnRequest(turn_of="wf_shop").to_json())
    assert list(runs.ran) == [execution_id(wish("1")), execution_id(wish("2"))]


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


@pytest.mark.parametrize("make", [Machine.from_environment, DeadLetters.from_environment, StartQueue.from_environment])
def test_a_variable_that_is_not_set_is_named(make: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLOWFORGE_STATE_MACHINE_ARN", "FLOWFORGE_START_REQUESTS_DLQ_URL", "FLOWFORGE_START_REQUESTS_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigFault, match="is not set"):
        make()
