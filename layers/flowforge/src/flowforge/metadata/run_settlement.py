"""What follows for jobs and steps from the end of their execution, where nobody told of them.

The conclusions rank below what is told (model/run_status.py), and follow from the rows alone, so they too do not depend on the
order of events: an execution succeeds only where every job did; one that ended otherwise has cancelled the jobs that had begun,
and skipped the others.
"""

from sqlalchemy import Connection, Table, and_, case, func, literal, or_, select, update

from flowforge.metadata.schema import executions, job_executions, step_results
from flowforge.metadata.schema.runs import job_status
from flowforge.model.run_status import ACTIVE, ExecutionStatus, JobStatus

UNSETTLED = (JobStatus.PENDING, JobStatus.RUNNING, JobStatus.SKIPPED)


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
    mine = and_(old.execution_id == execution_id, old.redrive <= redrive)
    if status is ExecutionStatus.SUCCEEDED:
        # Also what failed before this redrive: its success was not told.
        earlier = and_(old.redrive < redrive, old.status.in_((JobStatus.FAILED, JobStatus.CANCELLED)))
        without_error = {"failed_step": None} if table is job_executions else {}
        connection.execute(
            update(table)
            .where(mine, or_(old.status.in_((*UNSETTLED, JobStatus.CANCELLED)), earlier))
            .values(status=JobStatus.SUCCEEDED, redrive=redrive, error=None, updated_at=func.now(), **without_error)
        )
        return
    concluded = case(
        (old.started_at.is_(None), literal(JobStatus.SKIPPED, job_status)), else_=literal(JobStatus.CANCELLED, job_status)
    )
    connection.execute(
        update(table)
        .where(mine, old.status.in_(UNSETTLED), old.status != concluded)
        .values(status=concluded, updated_at=func.now())
    )
