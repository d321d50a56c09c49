"""Wishes: one execution per key, and as many at once as their workflow says."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from databases import ANNA, orders_job, shop
from flowforge.metadata.database import Database
from flowforge.metadata.refusals import Changed, NotThere
from flowforge.metadata.run_state import record_execution
from flowforge.metadata.schema import executions
from flowforge.metadata.schema.runs import WishStatus
from flowforge.metadata.wishes import (
    Wish,
    admit,
    admit_next,
    admitted_and_not_started,
    cancel_wish,
    mark_started,
    refuse,
    take_wish,
    workflows_with_waiting_wishes,
)
from flowforge.metadata.workflows import delete_workflow
from flowforge.model.run_state import ExecutionState
from flowforge.model.run_status import ExecutionStatus
from flowforge.model.start import StartRequest, Trigger, TriggerType
from flowforge.model.workflow_settings import Concurrency

WORKFLOW = "wf_shop"


def request(key: str, *files: str) -> StartRequest:
    return StartRequest(
        workflow_id=WORKFLOW,
        files={"orders": files} if files else {},
        idempotency_key=key,
        trigger=Trigger(type=TriggerType.MANUAL),
    )


def prepare(database: Database, concurrency: Concurrency, wishes: int) -> list[Wish]:
    with database.transaction() as connection:
        shop(connection, concurrency=concurrency, workflow_id=WORKFLOW)
        return [take_wish(connection, request(f"k{n}"), f"exec_{n}", by="anna")[0] for n in range(wishes)]


def decide(database: Database, wish: Wish) -> WishStatus:
    with database.transaction() as connection:
        return admit(connection, wish.id).status


def end(database: Database, execution_id: str) -> None:
    with database.transaction() as connection:
        record_execution(connection, ExecutionState(execution_id=execution_id, status=ExecutionStatus.SUCCEEDED))


def test_a_repeated_wish_is_the_one_that_was_kept(database: Database) -> None:
    with database.transaction() as connection:
        shop(connection, workflow_id=WORKFLOW)
        first, is_new = take_wish(connection, request("k" * 4096), "exec_1")
        again, is_new_again = take_wish(connection, request("k" * 4096), "exec_1")
        assert (first, is_new, is_new_again) == (again, True, False)
        with pytest.raises(Changed, match="another wish"):
            take_wish(connection, request("k" * 4096, "landing/wf_shop/orders/a.csv"), "exec_1")
        with pytest.raises(NotThere):
            take_wish(connection, request("k").model_copy(update={"workflow_id": "wf_none"}), "exec_2")


def test_where_wishes_queue_each_waits_for_the_end_of_the_one_before(database: Database) -> None:
    wishes = prepare(database, Concurrency.QUEUE, 3)
    assert decide(database, wishes[1]) is WishStatus.WAITING, "an older one goes first"
    assert [decide(database, wish) for wish in wishes] == [WishStatus.ADMITTED, WishStatus.WAITING, WishStatus.WAITING]
    with database.transaction() as connection:
        assert admit_next(connection, WORKFLOW) is None
        assert workflows_with_waiting_wishes(connection) == [WORKFLOW]
    for following in ("exec_1", "exec_2"):
        end(database, f"exec_{int(following[-1]) - 1}")
        with database.transaction() as connection:
            admitted = admit_next(connection, WORKFLOW)
            assert admitted is not None
            assert (admitted.execution_id, admitted.is_to_start) == (following, True)


def test_where_wishes_are_skipped_the_reason_names_what_was_active(database: Database) -> None:
    wishes = prepare(database, Concurrency.SKIP, 2)
    assert decide(database, wishes[0]) is WishStatus.ADMITTED
    with database.transaction() as connection:
        skipped = admit(connection, wishes[1].id)
    assert (skipped.status, skipped.reason) == (WishStatus.SKIPPED, "the execution exec_0 was active")
    end(database, "exec_0")
    assert decide(database, wishes[1]) is WishStatus.SKIPPED, "what was decided stays so"


def test_where_wishes_run_beside_each_other_all_are_admitted(database: Database) -> None:
    assert {decide(database, wish) for wish in prepare(database, Concurrency.PARALLEL, 3)} == {WishStatus.ADMITTED}


def test_many_at_once_admit_one(database: Database) -> None:
    wishes = prepare(database, Concurrency.QUEUE, 8)
    threads = [threading.Thread(target=decide, args=(database, wish)) for wish in wishes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.transaction() as connection:
        assert connection.execute(select(func.count()).select_from(executions)).scalar_one() <= 1
        admit_next(connection, WORKFLOW)
        assert connection.execute(select(executions.c.id)).scalars().all() == ["exec_0"]


def test_a_wish_that_was_admitted_is_found_until_it_is_started(database: Database) -> None:
    (wish,) = prepare(database, Concurrency.QUEUE, 1)
    assert decide(database, wish) is WishStatus.ADMITTED
    assert decide(database, wish) is WishStatus.ADMITTED, "a message that comes again starts it again, by the same name"
    soon = datetime.now(UTC) + timedelta(hours=1)
    with database.transaction() as connection:
        row = connection.execute(select(executions)).mappings().one()
        assert (row["status"], row["wish_id"], row["requested_by"]) == (ExecutionStatus.PENDING, wish.id, "anna")
        assert [item.id for item in admitted_and_not_started(connection, before=soon)] == [wish.id]
        mark_started(connection, wish.id)
        assert admitted_and_not_started(connection, before=soon) == []
        assert refuse(connection, wish.id, "too late").status is WishStatus.STARTED


def test_a_wish_for_a_deleted_workflow_is_refused_and_one_that_waits_can_be_withdrawn(database: Database) -> None:
    wishes = prepare(database, Concurrency.QUEUE, 2)
    with database.transaction() as connection:
        assert cancel_wish(connection, wishes[1].id, "by anna").status is WishStatus.CANCELLED
        delete_workflow(connection, ANNA, WORKFLOW)
        refused = admit(connection, wishes[0].id)
        assert (refused.status, refused.reason) == (WishStatus.REFUSED, f"the workflow {WORKFLOW} is deleted")
        with pytest.raises(NotThere):
            admit(connection, 99)


def test_wishes_of_one_key_for_two_workflows_are_two(database: Database) -> None:
    with database.transaction() as connection:
        shop(connection, workflow_id=WORKFLOW)
        shop(connection, "Other", orders_job(name="Other"), workflow_id="wf_other")
        assert take_wish(connection, request("k"), "exec_1")[1]
        assert take_wish(connection, request("k").model_copy(update={"workflow_id": "wf_other"}), "exec_2")[1]
