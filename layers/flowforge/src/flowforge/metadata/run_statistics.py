"""How executions went, as numbers over times: counted in the database, by the time at which an execution was wished.

A day and an hour are those of a time zone that the caller names. What is grouped by an expression with a parameter is selected
first: the driver numbers each occurrence of a parameter anew, so PostgreSQL would not see the same expression twice.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Date,
    Double,
    RowMapping,
    Subquery,
    and_,
    cast,
    func,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB

from flowforge.metadata.schema import executions, job_executions, jobs, step_results, workflows
from flowforge.model.run_status import ExecutionStatus, JobStatus
from flowforge.model.step import Step

TOP = 10
LAYERS = ("bronze", "silver", "gold")


@dataclass(frozen=True)
class Totals:
    """What happened in a span: workflows that had executions, executions by how they ended, and bytes that steps published."""

    active_workflows: int
    succeeded: int
    failed: int
    published_bytes: int


def totals(connection: Connection, since: datetime, middle: datetime, until: datetime) -> tuple[Totals, Totals]:
    """Those of the span from ``middle`` to ``until``, and those of the span before it, in two queries."""
    c = executions.c
    spans = (
        select(c.id, c.workflow_id, c.status, (c.created_at >= middle).label("is_now"))
        .where(c.created_at >= since, c.created_at < until)
        .cte("spans")
    )
    numbers = select(
        spans.c.is_now,
        func.count(func.distinct(spans.c.workflow_id)).label("workflows"),
        _count(spans.c.status == ExecutionStatus.SUCCEEDED).label("succeeded"),
        _count(spans.c.status == ExecutionStatus.FAILED).label("failed"),
    ).group_by(spans.c.is_now)
    counted = {row.is_now: row for row in connection.execute(numbers)}
    output = func.jsonb_array_elements(step_results.c.outputs).table_valued("value", name="output")
    value = type_coerce(output.c.value, JSONB)
    sizes = (
        select(spans.c.is_now, func.sum(cast(value["sizeBytes"].astext, BigInteger)).label("bytes"))
        .select_from(spans.join(step_results, step_results.c.execution_id == spans.c.id).join(output, true()))
        .where(value["role"].astext.in_(LAYERS))
        .group_by(spans.c.is_now)
    )
    published = {row.is_now: int(row.bytes or 0) for row in connection.execute(sizes)}
    found = []
    for is_now in (True, False):
        row = counted.get(is_now)
        workflows_of_span, succeeded, failed = (row.workflows, row.succeeded, row.failed) if row else (0, 0, 0)
        found.append(Totals(workflows_of_span, succeeded, failed, published.get(is_now, 0)))
    return found[0], found[1]


def by_day(connection: Connection, since: datetime, zone: str) -> list[RowMapping]:
    """``day``, ``total`` and the number of each status, and the durations in seconds of those that ended: mean, median, p95."""
    c = executions.c
    days = (
        select(cast(func.timezone(zone, c.created_at), Date).label("day"), c.status, _seconds().label("seconds"))
        .where(c.created_at >= since)
        .subquery("days")
    )
    d = days.c
    query = select(
        d.day,
        func.count().label("total"),
        *(_count(d.status == status).label(status.value) for status in ExecutionStatus),
        func.avg(d.seconds).label("mean_seconds"),
        func.percentile_cont(0.5).within_group(d.seconds).label("median_seconds"),
        func.percentile_cont(0.95).within_group(d.seconds).label("p95_seconds"),
    )
    return list(connection.execute(query.group_by(d.day).order_by(d.day)).mappings())


def by_hour(connection: Connection, since: datetime, zone: str) -> list[RowMapping]:
    """``hour`` as an instant, ``executions`` that were wished in it, and ``records`` that these read."""
    c = executions.c
    # Where a zone is half an hour off the others, its hours begin at their half.
    hours = select(c.id, func.date_trunc("hour", c.created_at, zone).label("hour")).where(c.created_at >= since).cte("hours")
    counted = select(hours.c.hour, func.count().label("executions")).group_by(hours.c.hour).subquery("counted")
    read = (
        select(hours.c.hour, func.sum(step_results.c.rows_read).label("records"))
        .join_from(hours, step_results, and_(step_results.c.execution_id == hours.c.id, _IS_BRONZE))
        .group_by(hours.c.hour)
        .subquery("read")
    )
    query = select(counted, func.coalesce(read.c.records, 0).label("records"))
    joined = query.join_from(counted, read, read.c.hour == counted.c.hour, isouter=True)
    return list(connection.execute(joined.order_by(counted.c.hour)).mappings())


def by_workflow(connection: Connection, since: datetime) -> list[RowMapping]:
    """For each workflow that had executions, the most first: ``executions``, ``succeeded``, ``failed``, ``mean_seconds``.

    ``records`` are those that its successful executions read in ``succeeded_seconds`` together.
    """
    c = executions.c
    succeeded = c.status == ExecutionStatus.SUCCEEDED
    numbers = (
        select(
            c.workflow_id,
            func.count().label("executions"),
            _count(succeeded).label("succeeded"),
            _count(c.status == ExecutionStatus.FAILED).label("failed"),
            func.avg(_seconds()).label("mean_seconds"),
            func.sum(_seconds()).filter(succeeded).label("succeeded_seconds"),
        )
        .where(c.created_at >= since)
        .group_by(c.workflow_id)
        .subquery("numbers")
    )
    read = _records_of_workflows(since)
    query = (
        select(numbers, func.coalesce(read.c.records, 0).label("records"), workflows.c.name.label("workflow_name"))
        .join_from(numbers, workflows, workflows.c.id == numbers.c.workflow_id)
        .outerjoin(read, read.c.workflow_id == numbers.c.workflow_id)
        .order_by(numbers.c.executions.desc(), workflows.c.name, numbers.c.workflow_id)
    )
    return list(connection.execute(query).mappings())


def failing_jobs(connection: Connection, since: datetime) -> list[RowMapping]:
    """The jobs that failed most: ``failures`` of ``executions``, and the ``error`` and ``failed_at`` of the last failure."""
    e, j = executions.c, job_executions.c
    failed = j.status == JobStatus.FAILED
    numbers = (
        select(j.workflow_id, j.job_id, _count(failed).label("failures"), func.count().label("executions"))
        .join_from(executions, job_executions, j.execution_id == e.id)
        .where(e.created_at >= since)
        .group_by(j.workflow_id, j.job_id)
        .having(_count(failed) > 0)
        .order_by(_count(failed).desc(), j.workflow_id, j.job_id)
        .limit(TOP)
        .subquery("numbers")
    )
    last = (
        select(j.error, e.id.label("execution_id"), e.created_at.label("failed_at"))
        .join_from(executions, job_executions, and_(j.execution_id == e.id, j.job_id == numbers.c.job_id, failed))
        .where(e.workflow_id == numbers.c.workflow_id)
        .order_by(e.created_at.desc(), e.id.desc())
        .limit(1)
        .correlate(numbers)
        .lateral("last")
    )
    is_job = and_(jobs.c.workflow_id == numbers.c.workflow_id, jobs.c.id == numbers.c.job_id)
    query = (
        select(numbers, last, workflows.c.name.label("workflow_name"), jobs.c.name.label("job_name"))
        .join_from(numbers, last, true())
        .join(workflows, workflows.c.id == numbers.c.workflow_id)
        .join(jobs, is_job)
        .order_by(numbers.c.failures.desc(), numbers.c.workflow_id, numbers.c.job_id)
    )
    return list(connection.execute(query).mappings())


def _records_of_workflows(since: datetime) -> Subquery:
    c = executions.c
    of_bronze = and_(step_results.c.execution_id == c.id, _IS_BRONZE)
    return (
        select(c.workflow_id, func.sum(step_results.c.rows_read).label("records"))
        .join_from(executions, step_results, of_bronze)
        .where(c.created_at >= since, c.status == ExecutionStatus.SUCCEEDED)
        .group_by(c.workflow_id)
        .subquery("read")
    )


def _seconds() -> ColumnElement[Any]:
    """How long an execution took, once it has ended."""
    return cast(func.extract("epoch", executions.c.ended_at - executions.c.started_at), Double)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)


_IS_BRONZE: ColumnElement[bool] = step_results.c.step == Step.BRONZE_INGEST
"""The step that reads the records of a source."""
