"""What a run's accepted rows do to the Silver table, by the job's strategy. Nothing is published here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from flowforge.lake import keys
from flowforge.lake.lake import ObjectVersion
from flowforge.lake.silver_tables import files_version
from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.merge import align_to_contract, merged, weigh
from flowforge.model.contract import ContractColumn
from flowforge.model.destination import MergeStrategy
from flowforge.model.step import SilverCounts
from flowforge.steps.attempt import Attempt, Written, scan
from flowforge.steps.context import PLANNED_AT_METADATA, RUN_ID_METADATA, StepContext
from flowforge.steps.silver_identity import parquet_metadata, require_same_key
from flowforge.steps.silver_reader import appended_files, appended_frame, current_version
from flowforge.steps.stable_read import stable_object


@dataclass(frozen=True)
class SilverTable:
    """The table as it will be: its object, its counts, and the version that it replaces.

    ``written`` is None where a run that was planned later is the table, which then stays as it is.
    """

    key: str
    written: Written | None
    rows: int
    size_bytes: int
    counts: SilverCounts
    version: int | None = None
    replaces: ObjectVersion | None = None


@dataclass(frozen=True)
class RunRows:
    """What became of the rows read, counted from written footers; how the accepted ones are to be read and kept."""

    read: int
    accepted: Written
    duplicates: int
    quarantined: Written | None
    columns: Sequence[ContractColumn]
    key: Sequence[str]
    metadata: Mapping[str, str]

    def counts(
        self,
        *,
        inserted: int,
        updated: int = 0,
        unchanged: int = 0,
        stale: int = 0,
        deleted: int = 0,
        before: int = 0,
        after: int,
    ) -> SilverCounts:
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
            deleted=deleted,
            before=before,
            after=after,
        )


def silver_table(context: StepContext, attempt: Attempt, rows: RunRows) -> SilverTable:
    """The table that the run leaves, by the job's strategy.

    Raises CommitConflict where another run changes the table meanwhile, ConfigFault where the table needs a rebuild.
    """
    return _TABLES[context.job.destination_config.silver_config.merge_strategy](context, attempt, rows)


def _versioned(context: StepContext, _: Attempt, rows: RunRows) -> SilverTable:
    """The run's accepted rows are the table."""
    key = keys.silver_run_key(*context.slugs, context.planned_at, context.run_id)
    return _of_accepted(key, rows, rows.counts(inserted=rows.accepted.rows, after=rows.accepted.rows))


def _appended(context: StepContext, _: Attempt, rows: RunRows) -> SilverTable:
    """The run's accepted rows come on top of those of every other run."""
    key = keys.silver_run_key(*context.slugs, context.planned_at, context.run_id)
    others = [item for item in appended_files(context) if item.key != key]
    before = appended_frame(context, others, rows.columns).select(pl.len()).collect().item() if others else 0
    counts = rows.counts(inserted=rows.accepted.rows, before=before, after=before + rows.accepted.rows)
    version = files_version([*others, rows.accepted.version])
    return replace(_of_accepted(key, rows, counts), version=version)


def _replaced(context: StepContext, _: Attempt, rows: RunRows) -> SilverTable:
    """The run's accepted rows take the place of all rows, unless those are of a run that was planned later."""
    key = keys.silver_current_key(*context.slugs)
    present = context.lake.head(key)
    count = rows.accepted.rows
    if present is None:
        return _first(context, key, rows)
    with stable_object(context.lake, present):
        before = scan(context.lake, key).select(pl.len()).collect().item()
        metadata = parquet_metadata(context.lake, key)
    shown = (datetime.fromisoformat(metadata[PLANNED_AT_METADATA]), metadata[RUN_ID_METADATA])
    if shown > (context.planned_at, context.run_id):
        counts = rows.counts(inserted=0, stale=count, before=before, after=before)
        return SilverTable(key, None, before, present.size_bytes, counts, current_version(present))
    counts = rows.counts(inserted=count, deleted=before, before=before, after=count)
    return replace(_of_accepted(key, rows, counts), version=_following(context, present), replaces=present)


def _merged(context: StepContext, attempt: Attempt, rows: RunRows) -> SilverTable:
    """The table with the run's rows in it, per key the row of the latest run."""
    key = keys.silver_current_key(*context.slugs)
    present = context.lake.head(key)
    count = rows.accepted.rows
    if present is None:
        return _first(context, key, rows)
    surrogate_key_column = context.job.destination_config.silver_config.surrogate_key_column
    with stable_object(context.lake, present):
        require_same_key(context, key, rows.key)
        table = align_to_contract(scan(context.lake, key, position=POSITION), rows.columns, surrogate_key_column, name=key)
        run = scan(context.lake, rows.accepted.version.key, position=POSITION)
        before = scan(context.lake, key).select(pl.len()).collect().item()
        outcome = weigh(table, run, rows.key, [column.name for column in rows.columns], rows=count)
        written = attempt.write(
            merged(table, run, outcome),
            attempt.new_name("current"),
            metadata=rows.metadata,
            compression=context.job.destination_config.silver_config.compression,
        )
    stale = outcome.stale.height
    counts = rows.counts(
        before=before,
        after=written.rows,
        inserted=count - outcome.updated - outcome.unchanged - stale,
        updated=outcome.updated,
        unchanged=outcome.unchanged,
        stale=stale,
    )
    version = _following(context, present)
    return SilverTable(key, written, written.rows, written.version.size_bytes, counts, version, present)


_TABLES: dict[MergeStrategy, Callable[[StepContext, Attempt, RunRows], SilverTable]] = {
    MergeStrategy.VERSIONED: _versioned,
    MergeStrategy.APPEND: _appended,
    MergeStrategy.REPLACE: _replaced,
    MergeStrategy.MERGE: _merged,
}


def _first(context: StepContext, key: str, rows: RunRows) -> SilverTable:
    """A table of one object begins with the run's accepted rows."""
    counts = rows.counts(inserted=rows.accepted.rows, after=rows.accepted.rows)
    return replace(_of_accepted(key, rows, counts), version=_following(context, None))


def _of_accepted(key: str, rows: RunRows, counts: SilverCounts) -> SilverTable:
    """The accepted rows, as they were written, become the object."""
    return SilverTable(key, rows.accepted, rows.accepted.rows, rows.accepted.version.size_bytes, counts)


def _following(context: StepContext, present: ObjectVersion | None) -> int:
    """The number of the table's next state: one more, and no less than the plan's clock.

    So the numbers go on growing where a table was removed and began anew.
    """
    milliseconds = int(context.planned_at.timestamp() * 1000)
    return max(current_version(present) + 1, milliseconds) if present else milliseconds
