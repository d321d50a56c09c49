"""What a run's accepted rows do to the Silver table, by the job's strategy. Nothing is published here."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flowforge.lake import keys
from flowforge.lake.lake import ObjectVersion
from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.merge import align_to_contract, merged, weigh
from flowforge.model.contract import ContractColumn
from flowforge.model.errors import CommitConflict, ConfigFault
from flowforge.model.step import SilverCounts
from flowforge.steps.attempt import Attempt, Written, scan
from flowforge.steps.context import StepContext

PRIMARY_KEY = "flowforge.primary_key"
"""Metadata of a merged table: the key it was merged by."""


@dataclass(frozen=True)
class SilverTable:
    """The table as it will be: its object, its counts, and the version that it replaces."""

    written: Written
    key: str
    counts: SilverCounts
    replaces: ObjectVersion | None


@dataclass(frozen=True)
class RunRows:
    """What became of the rows read, counted from written footers."""

    read: int
    accepted: Written
    duplicates: int
    quarantined: Written | None

    def counts(self, *, before: int, after: int, inserted: int, updated: int, unchanged: int, stale: int) -> SilverCounts:
        """The counts of the step, given what the accepted rows did to the table."""
        return SilverCounts(
            read=self.read,
            accepted=self.accepted.rows,
            duplicates=self.duplicates,
            quarantined=self.quarantined.rows if self.quarantined else 0,
            inserted=inserted,
            updated=updated,
            unchanged=unchanged,
            stale=stale,
            before=before,
            after=after,
        )


def versioned_table(context: StepContext, rows: RunRows) -> SilverTable:
    """The run's accepted rows are the table."""
    counts = rows.counts(before=0, after=rows.accepted.rows, inserted=rows.accepted.rows, updated=0, unchanged=0, stale=0)
    key = keys.silver_run_key(*context.slugs, context.planned_at, context.run_id)
    return SilverTable(rows.accepted, key, counts, None)


def merged_table(
    context: StepContext,
    attempt: Attempt,
    rows: RunRows,
    columns: Sequence[ContractColumn],
    key: Sequence[str],
    metadata: dict[str, str],
) -> SilverTable:
    """The table with the run's rows in it, per key the row of the latest run."""
    table_key = keys.silver_current_key(*context.slugs)
    present = context.lake.head(table_key)
    count = rows.accepted.rows
    if present is None:
        counts = rows.counts(before=0, after=count, inserted=count, updated=0, unchanged=0, stale=0)
        return SilverTable(rows.accepted, table_key, counts, None)
    config = context.job.destination_config.silver_config
    _require_same_key(context, table_key, key)
    table = align_to_contract(
        scan(context.lake, table_key, position=POSITION), columns, config.surrogate_key_column, name=table_key
    )
    run = scan(context.lake, rows.accepted.version.key, position=POSITION)
    before = scan(context.lake, table_key).select(pl.len()).collect().item()
    content = [column.name for column in columns]
    try:
        outcome = weigh(table, run, key, content, rows=count)
        written = attempt.write(merged(table, run, outcome), "current.parquet", metadata=metadata)
    except pl.exceptions.PolarsError as error:
        if not present.is_same(context.lake.head(table_key)):
            raise CommitConflict(f"{table_key} was replaced while it was read", file=table_key) from error
        raise
    context.lake.require_same(present)
    stale = outcome.stale.height
    counts = rows.counts(
        before=before,
        after=written.rows,
        inserted=count - outcome.updated - outcome.unchanged - stale,
        updated=outcome.updated,
        unchanged=outcome.unchanged,
        stale=stale,
    )
    return SilverTable(written, table_key, counts, present)


def _require_same_key(context: StepContext, table_key: str, key: Sequence[str]) -> None:
    """Raise ConfigFault where the table was merged by another key."""
    metadata = pl.read_parquet_metadata(
        context.lake.uri(table_key),
        storage_options=context.lake.storage_options,
    )
    merged_by = metadata.get(PRIMARY_KEY, "")
    if merged_by != ",".join(key):
        raise ConfigFault(
            f"silverConfig.primaryKey is {', '.join(key)}, and the table was merged by {merged_by.replace(',', ', ')}: a changed "
            "key needs a rebuild of Silver from Bronze",
            option="silverConfig.primaryKey",
        )
