"""Names that one job of a stage has: its Gold dataset, and its tables in the catalog.

A name stays with its job when the job takes another one, since what was published lies there; a purge lets it go.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from flowforge.metadata.refusals import NameTaken
from flowforge.metadata.schema import reserved_names
from flowforge.metadata.schema.workflows import ReservedName
from flowforge.model.job import Job
from flowforge.model.layer import Layer
from flowforge.model.table_names import table_names

TABLE_KINDS = {
    Layer.BRONZE: ReservedName.BRONZE_TABLE,
    Layer.SILVER: ReservedName.SILVER_TABLE,
    Layer.GOLD: ReservedName.GOLD_TABLE,
    Layer.QUARANTINE: ReservedName.QUARANTINE_TABLE,
}


def reserve_names(connection: Connection, workflow_id: str, workflow_slug: str, jobs: Iterable[Job]) -> None:
    """Reserve what the jobs need. Raises NameTaken, naming the job that has it."""
    wanted = {key: job.id for job in jobs for key in _names(workflow_slug, job)}
    if not wanted:
        return
    rows = [
        {"kind": kind, "name": name, "workflow_id": workflow_id, "job_id": job_id}
        for (kind, name), job_id in sorted(wanted.items())
    ]
    connection.execute(insert(reserved_names).on_conflict_do_nothing(), rows)
    held = connection.execute(
        select(reserved_names).where(tuple_(reserved_names.c.kind, reserved_names.c.name).in_(sorted(wanted)))
    ).mappings()
    for row in held:
        if (row["workflow_id"], row["job_id"]) != (workflow_id, wanted[row["kind"], row["name"]]):
            what = row["kind"].value.replace("_", " ")
            raise NameTaken(
                f"the {what} {row['name']} belongs to the job {row['job_id']} of {row['workflow_id']}; choose another name",
                option="dataset" if row["kind"] is ReservedName.GOLD_DATASET else "tableName",
            )


def _names(workflow_slug: str, job: Job) -> list[tuple[ReservedName, str]]:
    gold = job.destination_config.gold_config
    datasets = [(ReservedName.GOLD_DATASET, f"{gold.domain}/{job.dataset}")] if gold.enabled else []
    tables = [(kind, name) for layer, kind in TABLE_KINDS.items() for name in table_names(workflow_slug, job, layer)]
    return [*datasets, *tables]
