"""The tables of a job: what they are called in the catalog, and which objects are theirs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from flowforge.lake import keys
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.lake.silver_tables import appended_table
from flowforge.model.job import Job
from flowforge.model.layer import Layer
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import Step
from flowforge.model.table_names import latest_view, malformed_table, table_name
from flowforge.model.workflow import Workflow


@dataclass(frozen=True)
class LakeTable:
    """One table. ``dated``: a union of files in folders named by a day; otherwise the one object below ``prefix``.

    ``head_key``: where it is told which of the dated files is the table now, if one of them is. ``archive_prefix``: where the
    objects lie that a table of one object was before. ``appended``: the slugs of a Silver table that is appended to, in which
    rebuilds and compactions replace files.
    """

    layer: Layer
    name: str
    prefix: str
    dated: bool
    owner: str
    head_key: str | None = None
    archive_prefix: str | None = None
    appended: tuple[str, str] | None = None
    retention_days: int | None = None

    @property
    def view_name(self) -> str:
        """The view that shows the rows of the run that the head names."""
        return latest_view(self.name)

    def folder(self, day: date) -> str:
        """The folder of a day."""
        return f"{self.prefix}{day:%Y%m%d}/"

    def manifest_prefix(self, day: date) -> str | None:
        """Where the files of a day are listed while files that were replaced lie beside them; None where none can be."""
        return f"{keys.silver_manifest_prefix(*self.appended)}{day:%Y%m%d}/" if self.appended else None

    def day_of(self, key: str) -> date | None:
        """The day in whose folder an object lies; None for an object that is no row of a dated table."""
        if not self.dated or not keys.is_dated(key, self.prefix):
            return None
        return datetime.strptime(key.removeprefix(self.prefix)[:8], "%Y%m%d").date()  # noqa: DTZ007 -- a day has no zone

    def has_place_for(self, key: str) -> bool:
        """Whether what lies under a key is, or was, rows of the table."""
        return self.day_of(key) is not None if self.dated else key.startswith(self.prefix)

    def objects(self, lake: Lake, day: date | None = None) -> list[ObjectVersion]:
        """The Parquet objects that hold the rows, by key; those of one day where one is given."""
        if self.appended:
            return [item for item in appended_table(lake, *self.appended).objects if day in (None, self.day_of(item.key))]
        below = self.folder(day) if day else self.prefix
        found = [item for item in lake.list_objects(below) if item.key.endswith(".parquet")]
        return [item for item in found if self.day_of(item.key)] if self.dated else found

    def replaced(self, lake: Lake) -> list[ObjectVersion]:
        """The objects in the table's folders whose rows others hold."""
        return list(appended_table(lake, *self.appended).replaced) if self.appended else []


def tables_of(workflow: Workflow) -> Iterator[LakeTable]:
    """The tables of every job of a workflow."""
    for job in workflow.jobs:
        yield from job_tables(workflow.id, workflow.slug, job)


def job_tables(workflow_id: str, workflow_slug: str, job: Job) -> Iterator[LakeTable]:
    """The tables of a job: those of the layers that its steps write."""
    config = job.destination_config
    slugs = (workflow_slug, job.slug)
    owner = f"{workflow_id}/{job.id}"
    if Step.BRONZE_INGEST in job.steps:
        yield LakeTable(
            Layer.BRONZE,
            table_name(workflow_slug, job, Layer.BRONZE),
            keys.bronze_prefix(*slugs),
            dated=True,
            owner=owner,
            retention_days=config.bronze_config.retention_days,
        )
        name = malformed_table(table_name(workflow_slug, job, Layer.QUARANTINE))
        yield LakeTable(Layer.QUARANTINE, name, keys.malformed_prefix(*slugs), dated=True, owner=owner)
    if Step.SILVER_TRANSFORM in job.steps:
        yield _silver_table(workflow_slug, job, owner)
        name = table_name(workflow_slug, job, Layer.QUARANTINE)
        yield LakeTable(Layer.QUARANTINE, name, keys.quarantine_prefix(*slugs), dated=True, owner=owner)
    if Step.GOLD_PUBLISH in job.steps:
        gold = config.gold_config
        yield LakeTable(
            Layer.GOLD,
            table_name(workflow_slug, job, Layer.GOLD),
            keys.gold_prefix(gold.domain, job.dataset),
            dated=True,
            owner=owner,
            head_key=keys.gold_head_key(gold.domain, job.dataset),
            retention_days=gold.retention_days,
        )


def _silver_table(workflow_slug: str, job: Job, owner: str) -> LakeTable:
    slugs, config = (workflow_slug, job.slug), job.destination_config.silver_config
    strategy = config.merge_strategy
    one_object = strategy.keeps_one_object
    return LakeTable(
        Layer.SILVER,
        table_name(workflow_slug, job, Layer.SILVER),
        keys.silver_current_prefix(*slugs) if one_object else keys.silver_prefix(*slugs),
        dated=not one_object,
        owner=owner,
        head_key=keys.silver_head_key(*slugs) if strategy is MergeStrategy.VERSIONED else None,
        archive_prefix=keys.silver_archive_prefix(*slugs) if one_object else None,
        appended=slugs if strategy is MergeStrategy.APPEND else None,
        retention_days=config.retention_days,
    )
