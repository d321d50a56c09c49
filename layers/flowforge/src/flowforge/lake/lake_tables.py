"""The tables of a job: what they are called in the catalog, and below which key their objects lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from flowforge.lake import keys
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.model.job import Job
from flowforge.model.table_names import latest_view, table_name
from flowforge.model.table_options import Layer
from flowforge.model.workflow import Workflow


@dataclass(frozen=True)
class LakeTable:
    """One table. ``dated``: a union of files in folders named by a day; otherwise the one object below ``prefix``.

    ``head_key``: where it is told which of the dated files is the table now, if one of them is. ``archive_prefix``: where the
    objects lie that a table of one object was before.
    """

    layer: Layer
    name: str
    prefix: str
    dated: bool
    owner: str
    head_key: str | None = None
    archive_prefix: str | None = None
    retention_days: int | None = None

    @property
    def view_name(self) -> str:
        """The view that shows the rows of the run that the head names."""
        return latest_view(self.name)

    def folder(self, day: date) -> str:
        """The folder of a day."""
        return f"{self.prefix}{day:%Y%m%d}/"

    def day_of(self, key: str) -> date | None:
        """The day in whose folder an object lies; None for an object that is no row of a dated table."""
        if not self.dated or not keys.is_dated(key, self.prefix):
            return None
        return datetime.strptime(key.removeprefix(self.prefix)[:8], "%Y%m%d").date()  # noqa: DTZ007 -- a day has no zone

    def objects(self, lake: Lake, day: date | None = None) -> list[ObjectVersion]:
        """The Parquet objects that hold the rows, by key; those of one day where one is given."""
        below = self.folder(day) if day else self.prefix
        found = [item for item in lake.list_objects(below) if item.key.endswith(".parquet")]
        return [item for item in found if self.day_of(item.key)] if self.dated else found


def tables_of(workflow: Workflow) -> Iterator[LakeTable]:
    """The tables of every job of a workflow."""
    for job in workflow.jobs:
        yield from job_tables(workflow.id, workflow.slug, job).values()


def job_tables(workflow_id: str, workflow_slug: str, job: Job) -> dict[Layer, LakeTable]:
    """The tables of a job, by layer."""
    config = job.destination_config
    slugs = (workflow_slug, job.slug)
    owner = f"{workflow_id}/{job.id}"
    one_object = config.silver_config.merge_strategy.keeps_one_object
    gold = config.gold_config
    tables = (
        LakeTable(
            Layer.BRONZE,
            table_name(workflow_slug, job, Layer.BRONZE),
            keys.bronze_prefix(*slugs),
            dated=True,
            owner=owner,
            retention_days=config.bronze_config.retention_days,
        ),
        LakeTable(
            Layer.SILVER,
            table_name(workflow_slug, job, Layer.SILVER),
            keys.silver_current_prefix(*slugs) if one_object else keys.silver_prefix(*slugs),
            dated=not one_object,
            owner=owner,
            head_key=keys.silver_head_key(*slugs) if config.silver_config.merge_strategy.value == "versioned" else None,
            archive_prefix=keys.silver_archive_prefix(*slugs) if one_object else None,
            retention_days=config.silver_config.retention_days,
        ),
        LakeTable(
            Layer.QUARANTINE,
            table_name(workflow_slug, job, Layer.QUARANTINE),
            keys.quarantine_prefix(*slugs),
            dated=True,
            owner=owner,
        ),
        LakeTable(
            Layer.GOLD,
            table_name(workflow_slug, job, Layer.GOLD),
            keys.gold_prefix(gold.domain, job.dataset),
            dated=True,
            owner=owner,
            head_key=keys.gold_head_key(gold.domain, job.dataset),
            retention_days=gold.retention_days,
        ),
    )
    return {table.layer: table for table in tables}
