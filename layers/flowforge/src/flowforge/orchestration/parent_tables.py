"""Which tables a job's table is made of, as ``layer.table``: the names that people use for them."""

from collections.abc import Iterable

from sqlalchemy import Connection, select, tuple_

from flowforge.metadata.schema import jobs, workflows
from flowforge.metadata.stored_workflow import job_of
from flowforge.model.job import Job, JobType
from flowforge.model.layer import Layer
from flowforge.model.step import Step
from flowforge.model.table_names import malformed_table, table_name
from flowforge.model.table_reference import SilverTableName, resolve
from flowforge.model.workflow import tables_read


def full_name(layer: Layer, name: str) -> str:
    """A table's name with its layer, since the layers of a job call their tables alike."""
    return f"{layer.value}.{name}"


def parent_tables(connection: Connection, workflow_slug: str, job: Job, layer: Layer, name: str) -> list[str]:
    """The parents of one of a job's tables. What was malformed, and Bronze, have files for parents, and no table.

    A table of another job that is not stored is left out.
    """
    if layer is Layer.BRONZE or (layer is Layer.QUARANTINE and name.endswith(malformed_table(""))):
        return []
    if job.type is JobType.GOLD_ANALYTICS:
        return _silver_tables(connection, workflow_slug, (reference for _, reference in tables_read(job)))
    below = Layer.SILVER if layer is Layer.GOLD and Step.SILVER_TRANSFORM in job.steps else Layer.BRONZE
    own = full_name(below, table_name(workflow_slug, job, below))
    if layer is Layer.GOLD:
        return [own]
    return [own, *_silver_tables(connection, workflow_slug, (reference for _, reference in tables_read(job)))]


def _silver_tables(connection: Connection, workflow_slug: str, references: Iterable[str]) -> list[str]:
    """The names of the Silver tables that references mean, each once, in the order of the references."""
    wanted = list(dict.fromkeys(resolve(reference, workflow_slug) for reference in references))
    if not wanted:
        return []
    query = select(jobs, workflows.c.slug.label("workflow_slug")).join_from(jobs, workflows)
    rows = connection.execute(query.where(tuple_(workflows.c.slug, jobs.c.slug).in_([tuple(name) for name in wanted])))
    names = {
        SilverTableName(row["workflow_slug"], row["slug"]): table_name(row["workflow_slug"], job_of(row), Layer.SILVER)
        for row in rows.mappings()
    }
    return [full_name(Layer.SILVER, names[name]) for name in wanted if name in names]
