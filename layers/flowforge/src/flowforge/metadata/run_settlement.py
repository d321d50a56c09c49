"""What follows for jobs and steps from the end of their execution, where nobody told of them.

The conclusions rank below what is told (model/run_status.py), and follow from the rows alone, so they too do not depend on the
order of events: an execution succeeds only where every job did; one that ended otherwise has cancelled the jobs that had begun,
and skipped the others.
"""

from sqlalchemy import Connection, Table, and_, func, or_, select, update

from flowforge.metadata.schema import executions, job_executions, step_results
from flowforge.model.run_status import ACTIVE, ExecutionStatus, JobStatus

STATE_DETAILS: dict[Table, tuple[str, ...]] = {
    executions: ("ended_at", "error", "cause"),
    job_executions: ("ended_at", "failed_step", "error"),
    step_results: (
        *("ended_at", "duration_seconds", "rows_read", "rows_written", "rows_set_aside"),
        *("counts", "outputs", "notes", "error"),
    ),
}
"""What belongs to a state, and goes with it."""
NOT_TOLD = (JobStatus.PENDING, JobStatus.RUNNING)
UNSETTLED = (*NOT_TOLD, JobStatus.SKIPPED)


def settle(connection: Connection, execution_id: str) -> None:
    """Draw the conclusions for one execution; none while it is active."""
    ended = connection.execute(
        select(executions.c.status, executions.c.redrive, executions.c.ended_at).where(
            executions.c.id == execution_id, executions.c.status.not_in(ACTIVE)
        )
    ).first()
    if ended is None:
        return
    for table in (job_executions, step_results):
        _settle(connection, table, execution_id, ended.status, ended.redrive)


def _settle(connection: Connection, table: Table, execution_id: str, status: ExecutionStatus, redrive: int) -> None:
    old = table.c
    # Nothing that was told of another state goes over to a concluded one.
    without_details = dict.fromkeys(STATE_DETAILS[table])
    mine = and_(old.execution_id == execution_id, old.redrive <= redrive)
    if status is ExecutionStatus.SUCCEEDED:
        # Also what failed before this redrive: its success was not told.
        earlier = and_(old.redrive < redrive, old.status.in_((JobStatus.FAILED, JobStatus.CANCELLED)))
        connection.execute(
            update(table)
            .where(mine, or_(old.status.in_((*UNSETTLED, JobStatus.CANCELLED)), earlier))
            .values(status=JobStatus.SUCCEEDED, redrive=redrive, updated_at=func.now(), **without_details)
        )
        return
    for condition, concluded in (
        (and_(old.status.in_(NOT_TOLD), old.started_at.is_(None)), JobStatus.SKIPPED),
        # Also one that was taken for skipped before it was told that it had begun.
        (and_(old.status.in_(UNSETTLED), old.started_at.is_not(None)), JobStatus.CANCELLED),
    ):
        connection.execute(
            update(table).where(mine, condition).values(status=concluded, updated_at=func.now(), **without_details)
        )
