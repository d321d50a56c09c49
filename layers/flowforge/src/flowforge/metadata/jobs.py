"""The rows of jobs, below the lock of their workflow."""

from collections.abc import Iterable

from sqlalchemy import Connection, RowMapping, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from flowforge.metadata.database import constraint_of
from flowforge.metadata.name_reservations import reserve_names
from flowforge.metadata.quality_rules import write_rules
from flowforge.metadata.refusals import NameTaken
from flowforge.metadata.schema import jobs
from flowforge.metadata.stored_workflow import job_values
from flowforge.model.errors import ConfigFault
from flowforge.model.job import Job


def write_jobs(connection: Connection, workflow_id: str, workflow_slug: str, given: Iterable[Job]) -> None:
    """Make these the workflow's jobs: new ones are added, others changed where they differ, those that are missing deleted.

    A deleted job keeps its slug, since its data stay; the same id may come back with it. Raises ConfigFault where a job would
    change its slug, and NameTaken where another one has a slug, a dataset or a table.
    """
    wanted = {job.id: job for job in given}
    present = {row.id: row for row in connection.execute(select(jobs).where(jobs.c.workflow_id == workflow_id))}
    for job in wanted.values():
        if job.id in present and present[job.id].slug != job.slug:
            raise ConfigFault(
                f"the job {job.id} has the slug {present[job.id].slug}, under which its data lie: it cannot become {job.slug}; "
                "state the old one in 'slug', and change the name alone",
                option="slug",
            )
    gone = [job_id for job_id, row in present.items() if job_id not in wanted and row.deleted_at is None]
    if gone:
        of_them = (jobs.c.workflow_id == workflow_id) & jobs.c.id.in_(gone)
        connection.execute(update(jobs).where(of_them).values(deleted_at=func.now()))
    for job in wanted.values():
        _write_job(connection, workflow_id, job)
    reserve_names(connection, workflow_id, workflow_slug, wanted.values())
    write_rules(connection, workflow_id, wanted.values())


def jobs_with_id(connection: Connection, job_id: str) -> list[RowMapping]:
    """The jobs of that id, of whatever workflows: ids are unique within one, and those that we make are so everywhere."""
    return list(connection.execute(select(jobs).where(jobs.c.id == job_id, jobs.c.deleted_at.is_(None))).mappings())


def copied(job: Job, new_id: str, others: Iterable[Job]) -> Job:
    """A copy that runs after all others, under the first free name of ``X_copy``, ``X_copy2`` ...

    It keeps no table names and no dataset, which only one job may have.
    """
    others = list(others)
    names, slugs = {other.name for other in others}, {other.slug for other in others}
    document = job.model_dump(mode="json", by_alias=True, exclude_none=True)
    document.pop("slug")
    for config in document["destinationConfig"].values():
        config.pop("tableName", None)
        config.pop("dataset", None)
    number = 1
    while True:
        name = f"{job.name}_copy{number if number > 1 else ''}"
        copy = Job.model_validate(
            {
                **document,
                "id": new_id,
                "name": name,
                "description": f"{job.description} (cloned)".strip(),
                "order": max(other.order for other in others) + 1,
            }
        )
        if name not in names and copy.slug not in slugs:
            return copy
        number += 1


def _write_job(connection: Connection, workflow_id: str, job: Job) -> None:
    values = job_values(job)
    statement = insert(jobs).values(workflow_id=workflow_id, **values)
    content = {name: statement.excluded[name] for name in values if name != "id"}
    differs = or_(jobs.c.deleted_at.is_not(None), *(jobs.c[name] != new for name, new in content.items()))
    moved = {**content, "version": jobs.c.version + 1, "updated_at": func.now(), "deleted_at": None}
    try:
        with connection.begin_nested():
            connection.execute(statement.on_conflict_do_update(index_elements=["workflow_id", "id"], set_=moved, where=differs))
    except IntegrityError as error:
        if constraint_of(error) != "jobs_slug_key":
            raise
        raise NameTaken(
            f"the slug {job.slug} belongs to another job of the workflow, or to a deleted one: state another",
            option="slug",
        ) from error
