"""The objects of the quarantine that steps have told of, and how many of their rows people have decided on."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import BigInteger, ColumnElement, Connection, RowMapping, Text, and_, cast, func, select, true, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from flowforge.metadata.schema import executions, job_executions, jobs, quarantine_reviews, step_results, workflows
from flowforge.metadata.schema.quality import ReviewStatus

QUARANTINE_ROLE = "quarantine"


class Holding(StrEnum):
    """What an object holds: rows that Silver set aside, or records of a file that Bronze could not read."""

    ROWS = "rows"
    MALFORMED = "malformed"


@dataclass(frozen=True)
class QuarantineFilter:
    """Which objects."""

    workflow_ids: Sequence[str] = ()
    job_ids: Sequence[str] = ()
    execution_ids: Sequence[str] = ()
    holding: Holding | None = None

    def condition(self) -> ColumnElement[bool]:
        """The filter as a condition, but for what an object holds."""
        j = job_executions.c
        chosen = ((j.workflow_id, self.workflow_ids), (j.job_id, self.job_ids), (j.execution_id, self.execution_ids))
        return and_(true(), *(column.in_(values) for column, values in chosen if values))


def quarantine_page(
    connection: Connection, chosen: QuarantineFilter, *, limit: int, offset: int
) -> tuple[list[RowMapping], int, int]:
    """A page of objects, newest first, how many there are in all pages, and how many rows these hold: two queries.

    Each has its ``key``, ``rows`` and ``size_bytes``, its run, and ``approved``, ``fixed``, ``rejected`` and ``replayed`` rows.
    """
    output = func.jsonb_array_elements(step_results.c.outputs).table_valued("value", name="output")
    value = type_coerce(output.c.value, JSONB)
    of_job = and_(job_executions.c.execution_id == step_results.c.execution_id, job_executions.c.job_id == step_results.c.job_id)
    condition = [
        # Without it every step's outputs would be unpacked.
        step_results.c.rows_set_aside > 0,
        func.jsonb_typeof(step_results.c.outputs) == "array",
        value["role"].astext == QUARANTINE_ROLE,
        chosen.condition(),
    ]
    key = value["key"].astext
    if chosen.holding is not None:
        is_malformed = key.like("quarantine/%/%/malformed/%")
        condition.append(is_malformed if chosen.holding is Holding.MALFORMED else ~is_malformed)
    objects = (
        select(
            job_executions.c.workflow_id,
            job_executions.c.job_id,
            job_executions.c.execution_id,
            job_executions.c.run_id,
            step_results.c.step,
            step_results.c.status.label("step_status"),
            key.label("key"),
            cast(value["rows"].astext, BigInteger).label("rows"),
            cast(value["sizeBytes"].astext, BigInteger).label("size_bytes"),
        )
        .select_from(step_results.join(job_executions, of_job).join(output, true()))
        .where(*condition)
        .subquery("objects")
    )
    numbers = connection.execute(select(func.count(), func.coalesce(func.sum(objects.c.rows), 0)).select_from(objects)).one()
    page = (
        select(objects, executions.c.created_at)
        .join_from(objects, executions, executions.c.id == objects.c.execution_id)
        .order_by(executions.c.created_at.desc(), objects.c.key)
        .limit(limit)
        .offset(offset)
        .subquery("page")
    )
    r = quarantine_reviews.c
    reviewed = (
        select(
            *(
                func.count().filter(r.status == status, r.replay_execution_id.is_(None)).label(status.value)
                for status in (ReviewStatus.APPROVED, ReviewStatus.FIXED, ReviewStatus.REJECTED)
            ),
            func.count().filter(r.replay_execution_id.is_not(None)).label("replayed"),
        )
        .where(r.object_key == page.c.key)
        .lateral("reviewed")
    )
    is_job = and_(jobs.c.workflow_id == page.c.workflow_id, jobs.c.id == page.c.job_id)
    named = (
        select(page, reviewed, workflows.c.name.label("workflow_name"), jobs.c.name.label("job_name"))
        .select_from(page.join(reviewed, true()))
        .join(workflows, workflows.c.id == page.c.workflow_id)
        .join(jobs, is_job)
        .order_by(page.c.created_at.desc(), page.c.key)
    )
    return list(connection.execute(named).mappings()), int(numbers[0]), int(numbers[1])


def job_of_slugs(connection: Connection, workflow_slug: str, job_slug: str) -> RowMapping | None:
    """``workflow_id`` and ``job_id`` of the job whose data lies under these slugs, be it deleted or not."""
    query = (
        select(jobs.c.workflow_id, jobs.c.id.label("job_id"))
        .join_from(jobs, workflows)
        .where(workflows.c.slug == workflow_slug, jobs.c.slug == job_slug)
    )
    return connection.execute(query).mappings().first()


def execution_of_run(connection: Connection, workflow_id: str, job_id: str, run_id: str) -> str | None:
    """The execution whose run of a job has an id."""
    j = job_executions.c
    query = select(j.execution_id).where(j.workflow_id == workflow_id, j.job_id == job_id, cast(j.run_id, Text) == run_id)
    return connection.scalar(query.limit(1))
