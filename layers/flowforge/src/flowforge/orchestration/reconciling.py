"""Comparing what is recorded with what runs, so that lost messages and events cost time and nothing else."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping

from flowforge.metadata.run_state import record_execution, unfinished
from flowforge.metadata.schema.runs import WishStatus
from flowforge.metadata.wishes import (
    admitted_and_not_started,
    cancel_wish,
    wish_of_execution,
    workflows_with_waiting_wishes,
)
from flowforge.model.errors import ConfigFault
from flowforge.model.run_state import ExecutionState
from flowforge.model.run_status import ExecutionStatus, Teller, execution_name
from flowforge.orchestration.run_events import RunEvents
from flowforge.orchestration.starting import Starter

SETTLED_AFTER = timedelta(seconds=60)
"""Younger ones are on their way: a start, an event, a message. Step Functions itself knows a new execution at once or soon."""
NOT_FOUND = "NotFound"
logger = logging.getLogger(__name__)


@dataclass
class Reconciled:
    """What was done: executions compared, wishes and redrives whose start had been lost, waiting wishes started."""

    compared: int = 0
    restarted: int = 0
    started: int = 0


def reconcile(starter: Starter, events: RunEvents, now: datetime, *, settled_after: timedelta = SETTLED_AFTER) -> Reconciled:
    """Bring the recorded state up to what Step Functions says, and start what should have been. Raises RetryLater."""
    before, done = now - settled_after, Reconciled()
    with starter.database.transaction() as connection:
        lost = admitted_and_not_started(connection, before=before)
        active = unfinished(connection, untouched_since=before)
    for wish in lost:
        try:
            starter.start(wish)
            done.restarted += 1
        except ConfigFault as fault:
            logger.warning("the wish %s is refused: %s", wish.id, fault)
    for row in active:
        _compare(starter, events, row, done)
    with starter.database.transaction() as connection:
        waiting = workflows_with_waiting_wishes(connection)
    for workflow_id in waiting:
        done.started += starter.start_next(workflow_id)
    return done


def _compare(starter: Starter, events: RunEvents, row: RowMapping, done: Reconciled) -> None:
    name = execution_name(row["id"], row["redrive"])
    ran = starter.machine.describe(name)
    done.compared += 1
    if ran is not None:
        if ran.status == "RUNNING" and row["cancel_requested_at"] is not None:
            starter.machine.stop(name, cause=f"cancelled by {row['cancel_requested_by']}")
        events.record_status(name, ran, row["workflow_id"])
    elif row["cancel_requested_at"] is not None:
        _end(starter, row, ExecutionStatus.CANCELLED, "Cancelled", "it was cancelled before it was started")
    elif row["status"] is ExecutionStatus.PENDING and row["redrive"] > 0:
        starter.restart(row["id"], row["redrive"], row["workflow_id"])
        done.restarted += 1
    else:
        with starter.database.transaction() as connection:
            wish = wish_of_execution(connection, row["id"])
        if wish is None or wish.status is not WishStatus.ADMITTED:
            _end(starter, row, ExecutionStatus.FAILED, NOT_FOUND, "Step Functions knows no such execution; redrive it")


def _end(starter: Starter, row: RowMapping, status: ExecutionStatus, error: str, cause: str) -> None:
    """End an execution that no machine runs."""
    told = ExecutionState(
        execution_id=row["id"], redrive=row["redrive"], status=status, teller=Teller.MACHINE, error=error, cause=cause
    )
    with starter.database.transaction() as connection:
        wish = wish_of_execution(connection, row["id"])
        if wish is not None:
            cancel_wish(connection, wish.id, cause)
        record_execution(connection, told)
