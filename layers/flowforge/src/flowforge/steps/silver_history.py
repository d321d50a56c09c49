"""scd_type_2: the versions of each key, with a run's rows in their places."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from flowforge.lake.lake import ObjectVersion
from flowforge.medallion.conflict_policy import ConflictPolicy
from flowforge.medallion.duplicates import POSITION, without
from flowforge.medallion.merge import align_to_contract
from flowforge.medallion.slowly_changing import (
    History,
    Versions,
    advance,
    advanced_table,
    affected_positions,
    begun_versions,
    opened_versions,
    versions_of,
)
from flowforge.medallion.surrogate_key_column import numbered, with_numbers
from flowforge.model.contract import Type
from flowforge.model.errors import ConfigFault
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.model.silver_config import SurrogateKeyStrategy
from flowforge.model.step import SilverCounts
from flowforge.steps.arrival import GENERATION, continued_metadata, newest_run
from flowforge.steps.attempt import Attempt, Written, scan
from flowforge.steps.context import StepContext
from flowforge.steps.observations import keep_observations, observations
from flowforge.steps.run_rows import RunRows
from flowforge.steps.silver_identity import parquet_metadata, require_same_key_types, require_same_table
from flowforge.steps.stable_read import stable_object


@dataclass(frozen=True)
class Facts:
    """Rows that runs brought, with ``_position``; those of this run begin at ``first_of_run``."""

    frame: pl.LazyFrame
    rows: int
    first_of_run: int


def begun_history(context: StepContext, attempt: Attempt, rows: RunRows) -> tuple[Written, SilverCounts]:
    """The table of a job that has none yet, or whose table is made anew."""
    history = _history(context, rows)
    facts = Facts(scan(context.lake, rows.accepted.version.key, position=POSITION), rows.accepted.rows, 0)
    # Of a single run, a snapshot or not, nothing can be missing.
    snapshots = rows.arrival.snapshots if _tracks_deletes(context) else ()
    versions = versions_of(facts.frame, history, rows=facts.rows, first_of_run=0, snapshots=snapshots)
    made = begun_versions(facts.frame, versions.begun, history)
    numbers = _numbers(context, history, facts, versions.begun, None)
    written = _write(context, attempt, [_numbered(context, made, numbers)], rows)
    return written, _counts(rows, versions, before=0, after=written.rows)


def continued_history(
    context: StepContext, attempt: Attempt, rows: RunRows, present: ObjectVersion
) -> tuple[Written, SilverCounts]:
    """The table with the run's rows in their places. Raises CommitConflict where another run changes it meanwhile."""
    history, key = _history(context, rows), present.key
    with stable_object(context.lake, present):
        require_same_table(context, key, rows.key)
        stored = scan(context.lake, key)
        require_same_key_types(stored.collect_schema(), rows.columns, history.key)
        added = context.job.destination_config.silver_config.added_columns
        table = align_to_contract(scan(context.lake, key, position=POSITION), rows.columns, added, name=key)
        if not history.by_arrival:
            effective = table.collect_schema()[history.effective]
            table = table.with_columns(pl.col(history.end).cast(effective))
        before = stored.select(pl.len()).collect().item()
        metadata = parquet_metadata(context.lake, key)
        rows = replace(rows, metadata=continued_metadata(rows.metadata, metadata))
        in_order = rows.arrival.newest is not None and rows.arrival.newest > newest_run(metadata)
        if history.by_arrival and in_order:
            written, counts = _advanced(context, attempt, rows, history, table, before)
        else:
            facts, snapshots = _facts(context, rows, history, table, present, metadata[GENERATION], before)
            written, counts = _rewritten(context, attempt, rows, history, table, facts, snapshots, before)
    return written, counts


def _advanced(
    context: StepContext, attempt: Attempt, rows: RunRows, history: History, table: pl.LazyFrame, before: int
) -> tuple[Written, SilverCounts]:
    """The run is later than all others: versions end and begin at its time, and none changes its place."""
    run = scan(context.lake, rows.accepted.version.key, position=POSITION)
    count = rows.accepted.rows
    outcome = advance(table, run, history, rows=max(before, count), is_snapshot=_tracks_deletes(context))
    opened = opened_versions(run, outcome.unchanged, history)
    numbers = None
    if _counts_keys(context):
        positions = without(run.select(POSITION), outcome.unchanged).collect(engine="streaming")
        name = context.job.destination_config.silver_config.surrogate_key_column
        none = pl.DataFrame(schema={POSITION: positions.schema[POSITION], name: pl.Int64})
        numbers = numbered(positions, none, name, maximum=_maximum(table, name))
    closed = advanced_table(table, outcome.ended, context.planned_at, history)
    written = _write(context, attempt, [closed, _numbered(context, opened, numbers)], rows)
    unchanged = outcome.unchanged.height
    counts = rows.counts(
        inserted=count - outcome.known,
        updated=outcome.known - unchanged,
        unchanged=unchanged,
        deleted=outcome.deleted,
        versions=count - unchanged,
        before=before,
        after=written.rows,
    )
    return written, counts


def _facts(
    context: StepContext,
    rows: RunRows,
    history: History,
    table: pl.LazyFrame,
    present: ObjectVersion,
    generation: str,
    before: int,
) -> tuple[Facts, tuple[datetime, ...]]:
    """What is known of the keys of the run: what every run brought, or, by dates of the source, the versions themselves."""
    run = scan(context.lake, rows.accepted.version.key)
    columns = run.collect_schema().names()
    count = rows.accepted.rows
    if not history.by_arrival:
        frame = pl.concat([table.select(columns), run]).with_row_index(POSITION)
        return Facts(frame, before + count, before), ()
    keep_observations(context, present)
    others = observations(context, generation, rows.columns)
    frames = [run] if others.frame is None else [others.frame, run]
    snapshots = tuple(sorted({*others.snapshots, *rows.arrival.snapshots})) if _tracks_deletes(context) else ()
    return Facts(pl.concat(frames).with_row_index(POSITION), others.rows + count, others.rows), snapshots


def _rewritten(
    context: StepContext,
    attempt: Attempt,
    rows: RunRows,
    history: History,
    table: pl.LazyFrame,
    facts: Facts,
    snapshots: tuple[datetime, ...],
    before: int,
) -> tuple[Written, SilverCounts]:
    """The versions of the run's keys made anew from all their facts, and those of other keys as they are."""
    versions = versions_of(
        facts.frame,
        history,
        rows=facts.rows,
        first_of_run=facts.first_of_run,
        snapshots=snapshots,
        run_at=context.planned_at if snapshots and rows.arrival.snapshots else None,
    )
    if snapshots:
        affected = table.select(POSITION).collect(engine="streaming")
    else:
        run = scan(context.lake, rows.accepted.version.key)
        affected = affected_positions(table, run, history.key)
    made = begun_versions(facts.frame, versions.begun, history)
    numbers = _numbers(context, history, facts, versions.begun, table)
    written = _write(context, attempt, [without(table, affected), _numbered(context, made, numbers)], rows)
    counts = _counts(rows, versions, before=before, after=written.rows, removed=affected.height)
    return written, counts


def _counts(rows: RunRows, versions: Versions, *, before: int, after: int, removed: int = 0) -> SilverCounts:
    return rows.counts(
        inserted=versions.inserted,
        updated=versions.updated,
        unchanged=versions.unchanged,
        stale=versions.stale,
        deleted=versions.deleted,
        versions=versions.begun.height - removed,
        before=before,
        after=after,
    )


def _numbers(
    context: StepContext, history: History, facts: Facts, begun: pl.DataFrame, table: pl.LazyFrame | None
) -> pl.DataFrame | None:
    """The numbers of versions where they are counted: a version that the table has keeps its own."""
    if not _counts_keys(context):
        return None
    name = context.job.destination_config.silver_config.surrogate_key_column
    known = pl.DataFrame(schema={POSITION: begun.schema[POSITION], name: pl.Int64})
    maximum = 0
    if table is not None:
        maximum = _maximum(table, name)
        versions = facts.frame.join(begun.lazy(), on=POSITION, how="semi", build_side="force_right").select(
            POSITION, *history.key, history.time.alias(history.effective)
        )
        moments = list(dict.fromkeys([*history.key, history.effective]))
        numbers = table.select(*moments, name)
        known = versions.join(numbers, on=moments, how="inner").select(POSITION, name).collect(engine="streaming")
    return numbered(begun, known, name, maximum=maximum)


def _numbered(context: StepContext, frame: pl.LazyFrame, numbers: pl.DataFrame | None) -> pl.LazyFrame:
    name = context.job.destination_config.silver_config.surrogate_key_column
    return frame if numbers is None else with_numbers(frame, numbers, name)


def _write(context: StepContext, attempt: Attempt, parts: Sequence[pl.LazyFrame], rows: RunRows) -> Written:
    config = context.job.destination_config.silver_config
    columns = [column.name for column in rows.columns]
    order = [*columns, *AUDIT_COLUMNS, *config.added_columns]
    frame = pl.concat([part.select(order) for part in parts])
    return attempt.write(frame, attempt.new_name("current"), metadata=rows.metadata)


def _history(context: StepContext, rows: RunRows) -> History:
    """The history that the job describes. Raises ConfigFault where its effective date is no date."""
    config = context.job.destination_config.silver_config
    source = config.effective_date_source
    for column in rows.columns:
        if column.name == source and column.data_type.type not in (Type.DATE, Type.TIMESTAMP):
            raise ConfigFault(
                f"silverConfig.scdEffectiveDateColumn is {source}, which is {column.data_type}: declare it as a date or "
                "a timestamp",
                column=source,
                option="silverConfig.scdEffectiveDateColumn",
            )
    policy = ConflictPolicy(file_ranks=rows.arrival.file_ranks)
    return History.of(config, [column.name for column in rows.columns], policy)


def _tracks_deletes(context: StepContext) -> bool:
    return context.job.destination_config.silver_config.scd_track_deletes


def _counts_keys(context: StepContext) -> bool:
    config = context.job.destination_config.silver_config
    return config.surrogate_key_strategy is SurrogateKeyStrategy.AUTO_INCREMENT


def _maximum(table: pl.LazyFrame, name: str) -> int:
    return table.select(pl.col(name).max()).collect(engine="streaming").item() or 0
