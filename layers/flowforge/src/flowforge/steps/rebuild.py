"""A rebuild: Silver made anew from the stored Bronze of all runs, as if each had run in its order under the job as it is now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from flowforge.lake import keys
from flowforge.lake.lake import ObjectVersion
from flowforge.medallion.conflict_policy import ConflictPolicy
from flowforge.medallion.duplicates import POSITION, superseded_positions, without
from flowforge.medallion.slowly_changing import latest_changes
from flowforge.medallion.surrogate_key_column import require_unique_keys, with_numbers, with_surrogate_key
from flowforge.model.errors import DataFault
from flowforge.model.lineage import Lineage
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.model.plan import StoredRun
from flowforge.model.silver_config import MergeStrategy, SurrogateKeyStrategy, UpdateStrategy
from flowforge.model.step import BronzeCounts, PublishedObject, RuleOutcome, SilverCounts, StepResult
from flowforge.steps.arrival import NEWEST_RUN, newest_run
from flowforge.steps.attempt import ACCEPTED, Attempt, Written, scan
from flowforge.steps.context import StepContext
from flowforge.steps.lineage import landed_parents
from flowforge.steps.run_rows import PROVENANCE, RunRows, SilverWork
from flowforge.steps.silver_history import begun_history
from flowforge.steps.silver_identity import parquet_metadata

LONGEST_EXECUTION = timedelta(days=1)
"""The state machine's ``TimeoutSeconds``: Bronze of a run that was not there when the rebuild was planned and is older than
that is of a run that failed."""


def stored_bronze(context: StepContext) -> StepResult:
    """The Bronze of a rebuild: the objects that are stored, counted and unchanged since the plan; nothing is written."""
    outputs = []
    for source in context.planned.sources:
        version = context.lake.head(source.key)
        if version is None:
            raise DataFault(
                f"{source.key} is not stored any more (what retentionDays of bronzeConfig removed cannot come back by a "
                "rebuild), so nothing was replaced",
                file=source.key,
            )
        if version.etag != source.etag:
            raise DataFault(f"{source.key} was replaced after the rebuild was planned; start it again", file=source.key)
        rows = scan(context.lake, source.key).select(pl.len()).collect().item()
        outputs.append(
            PublishedObject(role="bronze", key=source.key, etag=version.etag, rows=rows, size_bytes=version.size_bytes)
        )
    count = sum(output.rows for output in outputs)
    read_bytes = sum(output.size_bytes for output in outputs)
    lineage = Lineage(parents=landed_parents(context, [output.key for output in outputs]))
    return context.result(BronzeCounts(read=count, written=count), outputs, read_bytes=read_bytes, lineage=lineage)


def rebuilt_work(context: StepContext, attempt: Attempt, works: Sequence[SilverWork]) -> SilverWork:
    """The rows that Silver accepts of each run, all of them in one file. ``works`` are those of the runs, in their order."""
    last = works[-1].rows
    config = context.job.destination_config.silver_config
    frames = [scan(context.lake, work.rows.accepted.version.key) for work in works]
    accepted = attempt.write(
        with_surrogate_key(pl.concat(frames).drop(config.made_surrogate_key), config, last.key), ACCEPTED, metadata=last.metadata
    )
    rows = RunRows(
        read=sum(work.rows.read for work in works),
        accepted=accepted,
        duplicates=sum(work.rows.duplicates for work in works),
        quarantined=_quarantined(context, attempt, works),
        filtered=sum(work.rows.filtered for work in works),
        columns=last.columns,
        key=last.key,
        metadata=last.metadata,
        arrival=last.arrival,
    )
    notes = sorted({note for work in works for note in work.notes})
    return SilverWork(rows, works[-1].contract, _summed(works), notes)


def _quarantined(context: StepContext, attempt: Attempt, works: Sequence[SilverWork]) -> Written | None:
    written = [work.rows.quarantined for work in works if work.rows.quarantined is not None]
    if not written:
        return None
    # Older runs can have other columns than the newest.
    frame = pl.concat([scan(context.lake, item.version.key) for item in written], how="diagonal")
    return attempt.write(frame, "quarantine.parquet", metadata=context.metadata("quarantine", works[-1].contract))


def _summed(works: Sequence[SilverWork]) -> list[RuleOutcome]:
    """What became of each rule over all runs."""
    outcomes: dict[tuple[str, str, str], list[RuleOutcome]] = {}
    for work in works:
        for outcome in work.rules:
            outcomes.setdefault((outcome.rule, outcome.column, outcome.severity), []).append(outcome)
    return [
        same[0].model_copy(
            update={
                "failed": sum(item.failed for item in same),
                "checked": None if same[0].checked is None else sum(item.checked or 0 for item in same),
            }
        )
        for same in outcomes.values()
    ]


@dataclass(frozen=True)
class Rebuilt:
    """The table that a rebuild made, where it belongs, what it did, and the object that it replaces."""

    key: str
    written: Written
    counts: SilverCounts
    replaces: ObjectVersion | None


def rebuilt_table(context: StepContext, attempt: Attempt, rows: RunRows, runs: Sequence[StoredRun]) -> Rebuilt:
    """The table from the accepted rows of all runs, in the place of the one that is there.

    Raises DataFault where a run brought Bronze after the rebuild was planned: its rows must not be lost.
    """
    config = context.job.destination_config.silver_config
    strategy = config.merge_strategy
    if strategy.keeps_one_object:
        key = keys.silver_current_key(*context.slugs)
        present = context.lake.head(key)
        _require_no_other_run(context, present, runs, rows)
    else:
        key, present = _own_key(context, strategy), None
    before = scan(context.lake, key).select(pl.len()).collect().item() if present else 0
    if strategy is MergeStrategy.SCD_TYPE_2:
        written, made = begun_history(context, attempt, rows)
        gained = written.rows - before
        return Rebuilt(key, written, made.model_copy(update={"before": before, "versions": gained}), present)
    frame = _table(context, rows)
    written = attempt.write(frame, attempt.new_name("current"), metadata=rows.metadata)
    require_unique_keys(scan(context.lake, written.version.key), config, rows=written.rows, name=key)
    stale = rows.accepted.rows - written.rows
    counts = rows.counts(inserted=written.rows, stale=stale, deleted=before, before=before, after=written.rows)
    return Rebuilt(key, written, counts, present)


def _own_key(context: StepContext, strategy: MergeStrategy) -> str:
    if strategy is MergeStrategy.APPEND:
        return keys.silver_rebuilt_key(*context.slugs, context.planned_at, context.run_id)
    return keys.silver_run_key(*context.slugs, context.planned_at, context.run_id)


def _table(context: StepContext, rows: RunRows) -> pl.LazyFrame:
    """Of the accepted rows of all runs those that are the table, in their order."""
    config = context.job.destination_config.silver_config
    policy = ConflictPolicy.of(config, rows.arrival.file_ranks)
    union, count = scan(context.lake, rows.accepted.version.key, position=POSITION), rows.accepted.rows
    if config.merge_strategy is MergeStrategy.APPEND:
        # A row that was replayed twice, with two fixes, is in the table once.
        again = superseded_positions(union.select(POSITION, *PROVENANCE), PROVENANCE, rows=count, keep="first")
        return without(union, again).drop(POSITION)
    if config.merge_strategy in (MergeStrategy.VERSIONED, MergeStrategy.REPLACE):
        newest = rows.arrival.newest
        if newest is not None:
            time = pl.lit(newest[0], dtype=pl.Datetime("us", "UTC"))
            union = union.filter((pl.col("_ingested_at") == time) & (pl.col("_run_id") == newest[1]))
    if config.update_strategy is UpdateStrategy.UPDATE_CHANGED:
        content = [column.name for column in rows.columns]
        shown = latest_changes(union, rows.key, content, policy, rows=count)
        kept = union.join(shown.lazy(), on=POSITION, how="semi", build_side="force_right", maintain_order="left")
    else:
        ordered = union.select(POSITION, *rows.key, *policy.columns())
        lost = superseded_positions(ordered, rows.key, rows=count, order=policy.names, keep=policy.keep)
        kept = without(union, lost)
    if config.surrogate_key_strategy is SurrogateKeyStrategy.AUTO_INCREMENT:
        kept = _numbered_by_first_arrival(union, kept, rows, config.surrogate_key_column)
    columns = [column.name for column in rows.columns]
    return kept.select(*columns, *AUDIT_COLUMNS, *config.added_columns)


def _numbered_by_first_arrival(union: pl.LazyFrame, kept: pl.LazyFrame, rows: RunRows, name: str) -> pl.LazyFrame:
    """The rows with the numbers that their keys got when they were first seen. Holds a row for each key in memory."""
    firsts = union.select(POSITION, *rows.key).group_by(rows.key).agg(pl.col(POSITION).min().alias("_first"))
    numbers = (
        kept.select(POSITION, *rows.key)
        .join(firsts, on=list(rows.key), how="inner")
        .sort("_first")
        .with_row_index(name, offset=1)
        .select(POSITION, pl.col(name).cast(pl.Int64))
        .collect(engine="streaming")
    )
    return with_numbers(kept, numbers, name)


def _require_no_other_run(context: StepContext, present: ObjectVersion | None, runs: Sequence[StoredRun], rows: RunRows) -> None:
    """Raise DataFault where a run that the rebuild does not have can have reached the table.

    Bronze comes before the table, and the table is replaced only in the version that was looked at before.
    """
    if context.job.destination_config.silver_config.merge_strategy is MergeStrategy.REPLACE:
        metadata = parquet_metadata(context.lake, present.key) if present else {}
        if NEWEST_RUN in metadata and rows.arrival.newest is not None and newest_run(metadata) > rows.arrival.newest:
            raise _came_in_between(newest_run(metadata)[1], present.key if present else "")
        return
    covered = {run.run_id for run in runs}
    oldest = context.planned_at - LONGEST_EXECUTION
    for item in context.lake.list_objects(keys.bronze_prefix(*context.slugs)):
        run_id = keys.run_of_bronze(item.key, *context.slugs)
        if run_id not in covered and item.last_modified > oldest:
            raise _came_in_between(run_id, item.key)


def _came_in_between(run_id: str, file: str) -> DataFault:
    return DataFault(
        f"run {run_id} brought rows after the rebuild was planned, so nothing was replaced; start the rebuild again", file=file
    )
