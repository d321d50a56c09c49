"""The only module that writes the state of executions, jobs and steps.

What is told of a run comes late, twice, in any order, or never. A row is at (redrive, status): a telling that ranks higher
replaces the state, one of the same rank fills in what was missing, a lower one leaves it. So every order of the same tellings
ends with the same rows. ``started_at`` is the earliest that was told, ``attempt`` and ``tier``
the highest.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection, RowMapping, Table, and_, bindparam, case, func, select, tuple_, update
from sqlalchemy.dialects import postgresql

from flowforge.metadata.refusals import InUse, NotThere
from flowforge.metadata.run_settlement import STATE_DETAILS, settle
from flowforge.metadata.schema import executions, job_executions, step_results
from flowforge.model.run_state import ExecutionState, JobState, StepState
from flowforge.model.run_status import ACTIVE, ExecutionStatus, JobStatus, Teller

KEPT = {executions: ("plan_key", "planned_at"), job_executions: ("run_id",), step_results: ("escalation",)}
"""Facts of the whole run: whoever tells them first fills them in, whatever the state."""
SMALLEST = ("started_at",)
LARGEST = {step_results: ("attempt", "tier")}


def record_execution(connection: Connection, told: ExecutionState) -> ExecutionStatus:
    """Take note of an execution's state; the answer is the status that holds now.

    Raises NotThere for one that is not recorded where nothing tells of which workflow it is.
    """
    workflow_id = told.workflow_id or _workflow_of(connection, told.execution_id)
    if workflow_id is None:
        raise NotThere(f"the execution {told.execution_id} is not recorded, and nothing tells of which workflow it is")
    values = _values(told, {"trigger", "execution_id", "workflow_id"}) | {"id": told.execution_id, "workflow_id": workflow_id}
    if told.trigger is not None:
        values |= {"trigger_type": told.trigger.type, "trigger_detail": told.trigger.detail}
    _upsert(connection, executions, ("redrive", "status", "teller"), values)
    settle(connection, told.execution_id)
    return ExecutionStatus(
        connection.execute(select(executions.c.status).where(executions.c.id == told.execution_id)).scalar_one()
    )


def record_plan(connection: Connection, told: ExecutionState, job_runs: dict[str, str]) -> None:
    """Take note that an execution was planned: it runs, and its jobs, with their run ids, are pending."""
    record_execution(connection, told.model_copy(update={"status": ExecutionStatus.RUNNING}))
    for job_id, run_id in job_runs.items():
        record_job(
            connection,
            JobState(
                execution_id=told.execution_id, job_id=job_id, redrive=told.redrive, status=JobStatus.PENDING, run_id=run_id
            ),
        )


def record_job(connection: Connection, told: JobState) -> None:
    """Take note of a job's state. Raises NotThere where the execution is not recorded."""
    workflow_id = _workflow_of(connection, told.execution_id)
    if workflow_id is None:
        raise NotThere(f"the execution {told.execution_id} is not recorded")
    _upsert(connection, job_executions, ("redrive", "status"), {**_values(told), "workflow_id": workflow_id})
    settle(connection, told.execution_id)


def record_step(connection: Connection, told: StepState) -> None:
    """Take note of a step's state, which also tells that its job has begun. Raises NotThere as ``record_job``."""
    began = JobState(
        execution_id=told.execution_id,
        job_id=told.job_id,
        redrive=told.redrive,
        status=JobStatus.RUNNING if told.status is not JobStatus.PENDING else JobStatus.PENDING,
        started_at=told.started_at,
    )
    record_job(connection, began)
    _upsert(connection, step_results, ("redrive", "status"), _values(told))
    settle(connection, told.execution_id)


def begin_redrive(connection: Connection, execution_id: str) -> int:
    """Make an execution that failed or was cancelled pending again; the answer is the number of the redrive.

    Raises NotThere, and InUse for one that is active or succeeded.
    """
    row = connection.execute(select(executions).where(executions.c.id == execution_id).with_for_update()).mappings().first()
    if row is None:
        raise NotThere(f"there is no execution {execution_id}", option="executionId")
    if row["status"] not in (ExecutionStatus.FAILED, ExecutionStatus.CANCELLED):
        raise InUse(f"the execution {execution_id} is {row['status'].value}: only one that failed or was cancelled is redriven")
    number = int(row["redrive"]) + 1
    record_execution(
        connection,
        ExecutionState(execution_id=execution_id, redrive=number, status=ExecutionStatus.PENDING, teller=Teller.MACHINE),
    )
    forgotten = {"cancel_requested_at": None, "cancel_requested_by": None}
    connection.execute(update(executions).where(executions.c.id == execution_id).values(forgotten))
    return number


def request_cancel(connection: Connection, execution_id: str, by: str) -> None:
    """Take note that somebody wants an execution to stop; it is cancelled when the machine says so.

    Raises NotThere, and InUse for one that has ended.
    """
    row = connection.execute(select(executions.c.status).where(executions.c.id == execution_id).with_for_update()).first()
    if row is None:
        raise NotThere(f"there is no execution {execution_id}", option="executionId")
    if row.status not in ACTIVE:
        raise InUse(f"the execution {execution_id} has ended: it is {row.status.value}")
    asked = {
        "cancel_requested_at": func.coalesce(executions.c.cancel_requested_at, func.now()),
        "cancel_requested_by": func.coalesce(executions.c.cancel_requested_by, by),
    }
    connection.execute(update(executions).where(executions.c.id == execution_id).values(asked))


def create_execution(connection: Connection, values: dict[str, Any]) -> None:
    """Add the pending execution of a wish that was admitted; one that is there already stays as it is."""
    statement = postgresql.insert(executions).values(**values, status=ExecutionStatus.PENDING)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["id"]))


def unfinished(connection: Connection, *, untouched_since: datetime, limit: int = 1000) -> list[RowMapping]:
    """The executions that are active and of which nothing was told since then, the oldest first."""
    query = (
        select(executions)
        .where(executions.c.status.in_(ACTIVE), executions.c.updated_at < untouched_since)
        .order_by(executions.c.updated_at, executions.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


def execution_state(connection: Connection, execution_id: str) -> RowMapping | None:
    """The row of an execution; None where it is not recorded."""
    return connection.execute(select(executions).where(executions.c.id == execution_id)).mappings().first()


def _workflow_of(connection: Connection, execution_id: str) -> str | None:
    return connection.execute(select(executions.c.workflow_id).where(executions.c.id == execution_id)).scalar()


def _values(told: BaseModel, without: Iterable[str] = ()) -> dict[str, Any]:
    """The columns of a telling: values of the database's types as they are, documents inside as JSON."""
    plain = {name: getattr(told, name) for name in type(told).model_fields if name not in without}
    return {
        name: value.model_dump(mode="json", by_alias=True, exclude_none=True) if isinstance(value, BaseModel) else value
        for name, value in plain.items()
    }


def _upsert(connection: Connection, table: Table, rank: tuple[str, ...], values: dict[str, Any]) -> None:
    """Insert a row, or move the one that is there as this module's rule says; nothing is read in between."""
    connection.execute(_upsert_of(table, rank, tuple(values)), values)


@cache
def _upsert_of(table: Table, rank: tuple[str, ...], names: tuple[str, ...]) -> postgresql.Insert:
    """The statement for these columns. Making it takes longer than the server takes for it."""
    statement = postgresql.insert(table).values({name: bindparam(name) for name in names})
    new, old = statement.excluded, table.c
    higher = tuple_(*(new[name] for name in rank)) > tuple_(*(old[name] for name in rank))
    lower = tuple_(*(new[name] for name in rank)) < tuple_(*(old[name] for name in rank))
    same = and_(new.redrive == old.redrive, new.status == old.status)
    moved: dict[str, Any] = {name: case((higher, new[name]), else_=old[name]) for name in rank}
    for name in STATE_DETAILS[table]:
        moved[name] = case(
            # Of two tellers the better one goes first; of two tellings that are alike in rank, any rule does that knows no order.
            (and_(same, higher), func.coalesce(new[name], old[name])),
            (and_(same, lower), func.coalesce(old[name], new[name])),
            (same, func.greatest(old[name], new[name])),
            (higher, new[name]),
            else_=old[name],
        )
    moved |= {name: func.coalesce(old[name], new[name]) for name in KEPT[table]}
    moved |= {name: func.least(old[name], new[name]) for name in SMALLEST}
    moved |= {name: func.greatest(old[name], new[name]) for name in LARGEST.get(table, ())}
    moved["updated_at"] = func.now()
    return statement.on_conflict_do_update(constraint=table.primary_key, set_=moved)
