"""merge: the table with a run's rows in it, per key one row by the conflict policy."""

from collections.abc import Sequence

import polars as pl

from flowforge.lake.lake import ObjectVersion
from flowforge.medallion.conflict_policy import ConflictPolicy
from flowforge.medallion.duplicates import POSITION, without
from flowforge.medallion.merge import MergeOutcome, align_to_contract, merged, weigh
from flowforge.medallion.slowly_changing import affected_positions, latest_changes
from flowforge.medallion.surrogate_key_column import numbered, require_unique_keys, with_numbers
from flowforge.model.silver_config import SilverConfig, SurrogateKeyStrategy, UpdateStrategy
from flowforge.model.step import SilverCounts
from flowforge.steps.arrival import GENERATION, continued_metadata, newest_run
from flowforge.steps.attempt import Attempt, Written, scan
from flowforge.steps.context import StepContext
from flowforge.steps.observations import keep_observations, observations
from flowforge.steps.run_rows import RunRows
from flowforge.steps.silver_identity import parquet_metadata, require_same_key_types, require_same_table
from flowforge.steps.stable_read import stable_object


def merged_table(context: StepContext, attempt: Attempt, rows: RunRows, present: ObjectVersion) -> tuple[Written, SilverCounts]:
    """The new table, written, and what the run's rows did to the present one.

    Raises CommitConflict where another run changes it meanwhile, ConfigFault where it needs a rebuild.
    """
    config, key = context.job.destination_config.silver_config, present.key
    policy = ConflictPolicy.of(config, rows.arrival.file_ranks)
    with stable_object(context.lake, present):
        require_same_table(context, key, rows.key)
        stored = scan(context.lake, key)
        require_same_key_types(stored.collect_schema(), rows.columns, rows.key)
        table = align_to_contract(scan(context.lake, key, position=POSITION), rows.columns, config.added_columns, name=key)
        run = scan(context.lake, rows.accepted.version.key, position=POSITION)
        before = stored.select(pl.len()).collect().item()
        metadata = parquet_metadata(context.lake, key)
        content = [column.name for column in rows.columns]
        changed_only = config.update_strategy is UpdateStrategy.UPDATE_CHANGED
        counts_keys = config.surrogate_key_strategy is SurrogateKeyStrategy.AUTO_INCREMENT
        outcome = weigh(
            table,
            run,
            rows.key,
            content,
            rows=rows.accepted.rows,
            policy=policy,
            keep_unchanged=changed_only,
            carry=[config.surrogate_key_column] if counts_keys else (),
        )
        in_order = rows.arrival.newest is not None and rows.arrival.newest > newest_run(metadata)
        if changed_only and not in_order:
            frame = _since_the_last_change(context, rows, policy, table, present, metadata[GENERATION])
        else:
            numbers = _numbers(config, table, run, outcome) if counts_keys else None
            frame = merged(table, run, outcome, numbers=numbers, number=config.surrogate_key_column)
        written = attempt.write(frame, attempt.new_name("current"), metadata=continued_metadata(rows.metadata, metadata))
    require_unique_keys(scan(context.lake, written.version.key), config, rows=written.rows, name=key)
    return written, _counts(rows, outcome, before=before, after=written.rows)


def _counts(rows: RunRows, outcome: MergeOutcome, *, before: int, after: int) -> SilverCounts:
    stale = outcome.stale.height
    return rows.counts(
        before=before,
        after=after,
        inserted=rows.accepted.rows - outcome.updated - outcome.unchanged - stale,
        updated=outcome.updated,
        unchanged=outcome.unchanged,
        stale=stale,
    )


def _numbers(config: SilverConfig, table: pl.LazyFrame, run: pl.LazyFrame, outcome: MergeOutcome) -> pl.DataFrame:
    """The surrogate keys of the rows that the table takes: known keys keep theirs, new ones go on from the greatest."""
    name = config.surrogate_key_column
    taken = without(run.select(POSITION), outcome.not_taken).collect(engine="streaming")
    return numbered(taken, outcome.carried, name, maximum=_greatest(table, name))


def _since_the_last_change(
    context: StepContext,
    rows: RunRows,
    policy: ConflictPolicy,
    table: pl.LazyFrame,
    present: ObjectVersion,
    generation: str,
) -> pl.LazyFrame:
    """The table where the run's keys show the row since which they have the content that they have now.

    A run that comes late can stand between two equal rows that were one, so all that runs brought of its keys is looked at.
    """
    keep_observations(context, present)
    others = observations(context, generation, rows.columns)
    run = scan(context.lake, rows.accepted.version.key)
    frames: Sequence[pl.LazyFrame] = [run] if others.frame is None else [others.frame, run]
    facts = pl.concat(frames).join(
        run.select(rows.key), on=list(rows.key), how="semi", build_side="force_right", maintain_order="left"
    )
    facts = facts.with_row_index(POSITION)
    content = [column.name for column in rows.columns]
    shown = latest_changes(facts, rows.key, content, policy, rows=others.rows + rows.accepted.rows)
    taken = facts.join(shown.lazy(), on=POSITION, how="semi", build_side="force_right", maintain_order="left")
    config = context.job.destination_config.silver_config
    if config.surrogate_key_strategy is SurrogateKeyStrategy.AUTO_INCREMENT:
        name = config.surrogate_key_column
        of_table = table.select(*rows.key, name)
        known = taken.drop(name).join(of_table, on=list(rows.key), how="inner").select(POSITION, name)
        numbers = numbered(shown, known.collect(engine="streaming"), name, maximum=_greatest(table, name))
        taken = with_numbers(taken, numbers, name)
    affected = affected_positions(table, run, rows.key)
    return pl.concat([without(table, affected).drop(POSITION), taken.drop(POSITION)])


def _greatest(table: pl.LazyFrame, name: str) -> int:
    return table.select(pl.col(name).max()).collect(engine="streaming").item() or 0
