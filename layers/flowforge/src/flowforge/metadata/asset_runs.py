"""The newest executions of a table's job, and what its rules and comparisons found in them."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, and_, select

from flowforge.metadata.schema import executions, job_executions, quality_results, reconciliation_results


def runs_of_job(connection: Connection, workflow_id: str, job_id: str, *, limit: int = 10) -> list[RowMapping]:
    """The newest executions of a job, newest first: the job's state, with ``created_at`` of the execution."""
    of_job = and_(job_executions.c.execution_id == executions.c.id, job_executions.c.job_id == job_id)
    query = (
        select(job_executions, executions.c.created_at)
        .select_from(executions.join(job_executions, of_job))
        .where(executions.c.workflow_id == workflow_id)
        .order_by(executions.c.created_at.desc(), executions.c.id.desc())
        .limit(limit)
    )
    return list(connection.execute(query).mappings())


def quality_of_job(connection: Connection, job_id: str, execution_ids: Sequence[str]) -> list[RowMapping]:
    """What a job's rules found in some executions, newest first."""
    c = quality_results.c
    query = select(quality_results).where(c.execution_id.in_(execution_ids), c.job_id == job_id)
    return list(connection.execute(query.order_by(c.recorded_at.desc(), c.execution_id, c.rule, c.column_name)).mappings())


def reconciliations_of_job(connection: Connection, job_id: str, execution_ids: Sequence[str]) -> list[RowMapping]:
    """What a job's comparisons found in some executions, newest first."""
    c = reconciliation_results.c
    query = select(reconciliation_results).where(c.execution_id.in_(execution_ids), c.job_id == job_id)
    return list(connection.execute(query.order_by(c.recorded_at.desc(), c.execution_id, c.rule)).mappings())
