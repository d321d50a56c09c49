"""Starting, cancelling and going on with runs, and dead letters; the machine behind the queue runs nothing by itself."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from databases import orders_job, shop
from flowforge.metadata.run_state import record_execution
from flowforge.model.run_state import ExecutionState
from flowforge.model.run_status import ExecutionStatus
from flowforge.model.workflow_settings import Concurrency
from flowforge.orchestration.run_door import RunDoor
from flowforge.orchestration.start_messages import StartMessages
from flowforge.web.services import Services
from machines import Executions

Flowforge = Callable[..., Result]


@pytest.fixture
def sells(services: Services) -> None:
    with services.transaction() as connection:
        shop(connection, "Shop", orders_job(), concurrency=Concurrency.SKIP, workflow_id="wf_shop")


def handle_messages(door: RunDoor) -> None:
    """Do what the function of the queue does with all that lies there."""
    messages = StartMessages("data", door.starter, door.dead_letters)
    while received := door.queue.client.receive_message(QueueUrl=door.queue.url, MaxNumberOfMessages=10).get("Messages", []):
        for message in received:
            messages.handle(message["Body"])
            door.queue.client.delete_message(QueueUrl=door.queue.url, ReceiptHandle=message["ReceiptHandle"])


def end(services: Services, execution_id: str, status: ExecutionStatus) -> None:
    with services.transaction() as connection:
        record_execution(connection, ExecutionState(execution_id=execution_id, status=status))


@pytest.mark.usefixtures("sells")
def test_a_key_starts_one_execution_however_often_it_is_sent(
    flowforge: Flowforge, door: RunDoor, runs: Executions, services: Services
) -> None:
    first = flowforge("workflow", "run", "shop", "--key", "first of the month", "--reason", "month's end")
    execution_id = first.stdout.strip()
    assert first.exit_code == 0
    assert f"{execution_id} is waiting; 'flowforge execution watch {execution_id}' follows it" in first.stderr
    handle_messages(door)
    second = json.loads(
        flowforge("workflow", "run", "wf_shop", "--key", "first of the month", "--reason", "month's end", "--json").stdout
    )
    assert (second["executionId"], second["status"], list(runs.ran)) == (execution_id, "pending", [execution_id])
    late = flowforge("execution", "watch", execution_id, "--timeout", "0")
    assert late.exit_code == 8
    end(services, execution_id, ExecutionStatus.SUCCEEDED)
    waited = flowforge("workflow", "run", "shop", "--key", "first of the month", "--reason", "month's end", "--wait")
    assert (waited.exit_code, "status      succeeded" in waited.stdout) == (0, True)
    other = flowforge("workflow", "run", "shop", "--key", "first of the month", "--file", "orders=landing/wf_shop/orders/a.csv")
    assert (other.exit_code, "was used for another wish" in other.stderr) == (6, True)


@pytest.mark.usefixtures("sells")
def test_a_wish_that_comes_to_nothing_says_why(flowforge: Flowforge, door: RunDoor) -> None:
    active = flowforge("workflow", "run", "shop").stdout.strip()
    handle_messages(door)
    skipped = flowforge("workflow", "run", "shop", "--key", "k").stdout.strip()
    handle_messages(door)
    watched = flowforge("execution", "watch", skipped)
    said = f"error: {skipped} was not started: the wish was skipped (the execution {active} was active)\n"
    assert (watched.exit_code, watched.stderr) == (6, said)
    again = flowforge("workflow", "run", "shop", "--key", "k")
    assert (again.exit_code, again.stderr) == (6, said)
    busy = flowforge("workflow", "delete", "shop", "--yes")
    assert (busy.exit_code, f"the execution {active} of Shop is active" in busy.stderr) == (6, True)
    wrong = flowforge("workflow", "run", "shop", "--file", "items=landing/a.csv")
    assert (wrong.exit_code, "has no job items" in wrong.stderr) == (1, True)


@pytest.mark.usefixtures("sells")
def test_what_was_cancelled_or_failed_is_taken_up_again(
    flowforge: Flowforge, door: RunDoor, runs: Executions, services: Services
) -> None:
    waiting = flowforge("workflow", "run", "shop").stdout.strip()
    assert flowforge("execution", "cancel", waiting, "--yes").exit_code == 0
    assert flowforge("execution", "watch", waiting).exit_code == 3
    execution_id = flowforge("workflow", "run", "shop").stdout.strip()
    handle_messages(door)
    early = flowforge("execution", "redrive", execution_id)
    assert early.exit_code == 6
    assert flowforge("execution", "cancel", execution_id).exit_code == 2
    assert flowforge("execution", "cancel", execution_id, "--yes", "--reason", "wrong file", "--json").exit_code == 0
    assert runs.ran[execution_id].status == "ABORTED"
    end(services, execution_id, ExecutionStatus.CANCELLED)
    assert flowforge("execution", "watch", execution_id).exit_code == 3
    redriven = flowforge("execution", "redrive", execution_id)
    assert (redriven.exit_code, redriven.stdout) == (0, f"{execution_id} is taken up again, redrive 1\n")
    assert list(runs.ran) == [execution_id, f"{execution_id}-r1"]
    assert flowforge("execution", "redrive", "exec_9").exit_code == 5


@pytest.mark.usefixtures("sells")
def test_what_could_not_be_handled_is_shown_tried_again_and_given_up(flowforge: Flowforge, door: RunDoor) -> None:
    for body in ('{"workflowId": 7}', "no document \x1b[2J"):
        door.queue.client.send_message(QueueUrl=door.queue.url, MessageBody=body.replace("\x1b", "!"))
    handle_messages(door)

    def letters() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(flowforge("dlq", "list", "--json").stdout)["messages"]
        return found

    first, second = letters()
    listed = flowforge("dlq", "list")
    assert (listed.exit_code, first["id"] in listed.stdout, "ConfigFault" in listed.stdout) == (0, True, True)
    shown = flowforge("dlq", "show", first["id"])
    assert (shown.exit_code, "workflowId" in shown.stdout) == (0, True)
    assert flowforge("dlq", "delete", first["id"]).exit_code == 2
    assert flowforge("dlq", "delete", first["id"], "--yes").exit_code == 0
    again = flowforge("dlq", "redrive", second["id"])
    assert (again.exit_code, again.stdout) == (0, f"{second['id']} is tried again\n")
    assert letters() == []
    assert flowforge("dlq", "show", first["id"]).exit_code == 5
    assert flowforge("dlq", "redrive", first["id"]).exit_code == 5
