"""What a run's accepted rows do to the Silver table, by the job's strategy. Nothing is published here."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import polars as pl

from flowforge.lake import keys
from flowforge.lake.lake import ObjectVersion
from flowforge.medallion.duplicates import POSITION, without
from flowforge.medallion.surrogate_key_column import require_unique_keys
from flowforge.model.errors import ConfigFault
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import SilverCounts
from flowforge.steps.amended_table import amended_table
from flowforge.steps.arrival import newest_run
from flowforge.steps.attempt import Attempt, Written, scan
from flowforge.steps.context import StepContext
from flowforge.steps.rebuild import Rebuilt
from flowforge.steps.run_rows import PROVENANCE, RunRows
from flowforge.steps.shown_run import shown_run
from flowforge.steps.silver_history import begun_history, continued_history
from flowforge.steps.silver_identity import parquet_metadata, require_same_options
from flowforge.steps.silver_merge import merged_table
from flowforge.steps.silver_reader import appended_files, appended_frame, appended_version, current_version
from flowforge.steps.stable_read import stable_object

MICROSECONDS = 1_000_000
"""In a second."""


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


def silver_table(context: StepContext, attempt: Attempt, rows: RunRows) -> SilverTable:
    """The table that the run leaves, by the job's strategy.

    Raises CommitConflict where another run changes the table meanwhile, ConfigFault where the table needs a rebuild.
    """
    return _TABLES[context.job.destination_config.silver_config.merge_strategy](context, attempt, rows)


def _versioned(context: StepContext, attempt: Attempt, rows: RunRows) -> SilverTable:
    """The run's accepted rows are the table."""
    key = keys.silver_run_key(*context.slugs, context.planned_at, context.run_id)
    if context.planned.replay is not None:
        return _versioned_again(context, attempt, rows, key)
    return _of_accepted(key, rows, rows.counts(inserted=rows.accepted.rows, after=rows.accepted.rows))


def _versioned_again(context: StepContext, attempt: Attempt, rows: RunRows, key: str) -> SilverTable:
    """The rows of the run that is the table, with those of its quarantine that come again."""
    shown = shown_run(context)
    if shown is None:
        raise ConfigFault(f"{context.job.name}: there is no table whose rows could come again; run the workflow first")
    present = context.lake.head(shown.key)
    if present is None:
        raise ConfigFault(f"{shown.key} is gone", file=shown.key)
    with stable_object(context.lake, present):
        written, counts = amended_table(context, attempt, rows, shown.key, (shown.planned_at, shown.run_id))
    if written is None:
        return SilverTable(shown.key, None, shown.rows, present.size_bytes, counts)
    # An earlier try that another replay overtook has left its rows under the key, which no head shows.
    return SilverTable(key, written, written.rows, written.version.size_bytes, counts, replaces=context.lake.head(key))


def _appended(context: StepContext, attempt: Attempt, rows: RunRows) -> SilverTable:
    """The run's accepted rows come on top of those of every other run; a row that came again before does not."""
    key = keys.silver_run_key(*context.slugs, context.planned_at, context.run_id)
    others = [item for item in appended_files(context) if item.key != key]
    if others:
        require_same_options(context, parquet_metadata(context.lake, others[0].key))
    present = appended_frame(context, others, rows.columns) if others else None
    before = present.select(pl.len()).collect().item() if present is not None else 0
    added, written = rows.accepted.rows, rows.accepted
    if context.planned.replay is not None and present is not None:
        written = attempt.write(_not_there(context, present, rows), attempt.new_name("added"), metadata=rows.metadata)
        added = written.rows
    counts = rows.counts(inserted=added, unchanged=rows.accepted.rows - added, before=before, after=before + added)
    everything = appended_frame(context, [*others, written.version], rows.columns)
    require_unique_keys(everything, context.job.destination_config.silver_config, rows=counts.after, name=key)
    version = appended_version(context, [*others, written.version])
    return SilverTable(key, written, written.rows, written.version.size_bytes, counts, version)


def _not_there(context: StepContext, present: pl.LazyFrame, rows: RunRows) -> pl.LazyFrame:
    """The accepted rows that the table does not have, by the place in the source that they come from."""
    run = scan(context.lake, rows.accepted.version.key, position=POSITION)
    places = run.select(POSITION, *PROVENANCE)
    there = present.select(PROVENANCE).join(places, on=list(PROVENANCE), how="inner", build_side="force_right")
    return without(run, there.select(POSITION).collect(engine="streaming").unique()).drop(POSITION)


def _replaced(context: StepContext, attempt: Attempt, rows: RunRows) -> SilverTable:
    """The run's accepted rows take the place of all rows, unless those are of a run that was planned later."""
    key = keys.silver_current_key(*context.slugs)
    present = context.lake.head(key)
    count = rows.accepted.rows
    if present is None:
        return _first(context, key, rows)
    with stable_object(context.lake, present):
        before = scan(context.lake, key).select(pl.len()).collect().item()
        shown = newest_run(parquet_metadata(context.lake, key))
        if context.planned.replay is not None:
            written, counts = amended_table(context, attempt, rows, key, shown)
            if written is not None:
                return _continued(context, key, written, counts, present)
            return SilverTable(key, None, before, present.size_bytes, counts, current_version(present))
    if shown > (context.planned_at, context.run_id):
        counts = rows.counts(inserted=0, stale=count, before=before, after=before)
        return SilverTable(key, None, before, present.size_bytes, counts, current_version(present))
    counts = rows.counts(inserted=count, deleted=before, before=before, after=count)
    return replace(_of_accepted(key, rows, counts), version=_following(context, present), replaces=present)


def _merged(context: StepContext, attempt: Attempt, rows: RunRows) -> SilverTable:
    """The table with the run's rows in it, per key one row by the conflict policy."""
    key = keys.silver_current_key(*context.slugs)
    present = context.lake.head(key)
    if present is None:
        return _first(context, key, rows)
    written, counts = merged_table(context, attempt, rows, present)
    return _continued(context, key, written, counts, present)


def _history(context: StepContext, attempt: Attempt, rows: RunRows) -> SilverTable:
    """The versions of each key, with the run's rows in their places."""
    key = keys.silver_current_key(*context.slugs)
    present = context.lake.head(key)
    if present is None:
        written, counts = begun_history(context, attempt, rows)
    else:
        written, counts = continued_history(context, attempt, rows, present)
    return _continued(context, key, written, counts, present)


def rebuilt(context: StepContext, made: Rebuilt) -> SilverTable:
    """The table that a rebuild made, with the number of its state."""
    strategy = context.job.destination_config.silver_config.merge_strategy
    version = None
    if strategy is MergeStrategy.APPEND:
        version = appended_version(context, [made.written.version])
    elif strategy.keeps_one_object:
        version = _following(context, made.replaces)
    size_bytes = made.written.version.size_bytes
    return SilverTable(made.key, made.written, made.written.rows, size_bytes, made.counts, version, made.replaces)


_TABLES: dict[MergeStrategy, Callable[[StepContext, Attempt, RunRows], SilverTable]] = {
    MergeStrategy.VERSIONED: _versioned,
    MergeStrategy.APPEND: _appended,
    MergeStrategy.REPLACE: _replaced,
    MergeStrategy.MERGE: _merged,
    MergeStrategy.SCD_TYPE_2: _history,
}


def _first(context: StepContext, key: str, rows: RunRows) -> SilverTable:
    """A table of one object begins with the run's accepted rows."""
    counts = rows.counts(inserted=rows.accepted.rows, after=rows.accepted.rows)
    return replace(_of_accepted(key, rows, counts), version=_following(context, None))


def _continued(
    context: StepContext, key: str, written: Written, counts: SilverCounts, present: ObjectVersion | None
) -> SilverTable:
    """A table of one object that the run wrote anew, with what the present one had."""
    return SilverTable(key, written, written.rows, written.version.size_bytes, counts, _following(context, present), present)


def _of_accepted(key: str, rows: RunRows, counts: SilverCounts) -> SilverTable:
    """The accepted rows, as they were written, become the object."""
    return SilverTable(key, rows.accepted, rows.accepted.rows, rows.accepted.version.size_bytes, counts)


def _following(context: StepContext, present: ObjectVersion | None) -> int:
    """The number of the table's next state: one more, and no less than the plan's clock.

    So the numbers go on growing where a table was removed and began anew, or is kept by another strategy since a rebuild.
    """
    microseconds = int(context.planned_at.timestamp() * MICROSECONDS)
    return max(current_version(present) + 1, microseconds) if present else microseconds
