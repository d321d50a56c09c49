"""The Bronze of a replay: chosen rows of a quarantine, with their fixes, as they arrived at first."""

import polars as pl

from flowforge.lake import keys
from flowforge.medallion.conflict_policy import arrival_order
from flowforge.medallion.silver import FAILED_RULES, REASON
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.lineage import Lineage, Parent
from flowforge.model.names import RESERVED_PREFIX
from flowforge.model.replay import Replay
from flowforge.model.step import BronzeCounts, PublishedObject, StepResult
from flowforge.steps.arrival import arrival_of
from flowforge.steps.attempt import Attempt, require_equations, scan
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.error_limits import require_run_was_taken
from flowforge.steps.lineage import landed_parents

_NUMBER = "_number"


def replayed_bronze(context: StepContext, attempt: Attempt, replay_key: str) -> StepResult:
    """Write the chosen rows as the run's Bronze, in the order in which they arrived.

    Raises DataFault where the quarantine is not the one that was looked at, ConfigFault where a row or a column is not there, or
    where the quarantine is of records that could not be read or of a run that was refused as a whole.
    """
    replay = _read(context, replay_key)
    if keys.holds_malformed(replay.quarantine_key):
        raise ConfigFault(
            f"{replay.quarantine_key} holds records that could not be read, so they have no columns to go through by; mend "
            "them in their file, and deliver that again",
            file=replay.quarantine_key,
            option="replay",
        )
    seen = context.lake.head(replay.quarantine_key)
    if seen is None or seen.etag != replay.quarantine_etag:
        raise DataFault(
            f"{replay.quarantine_key} was removed or replaced since its rows were chosen; look at it and choose again",
            file=replay.quarantine_key,
        )
    require_run_was_taken(context.lake, replay.quarantine_key)
    with engine_errors(f"{replay.quarantine_key} could not be read"):
        rows = _fixed(_chosen(context, replay), replay)
        frame = rows.lazy().sort(arrival_order(arrival_of(context).file_ranks)).drop(_NUMBER)
        written = attempt.write(frame, "bronze_v001.parquet", metadata=context.metadata("bronze"))
    counts = BronzeCounts(read=len(replay.rows), written=written.rows)
    require_equations(counts.broken_equations(), "the replay")
    key = keys.bronze_key(*context.slugs, context.planned_at, context.run_id, 1)
    output = PublishedObject(role="bronze", key=key, etag="", rows=written.rows, size_bytes=written.version.size_bytes)
    parents = (
        Parent(role="quarantine", key=seen.key, etag=seen.etag, size_bytes=seen.size_bytes),
        *landed_parents(context, [seen.key]),
    )
    result = context.result(counts, [output], read_bytes=seen.size_bytes, lineage=Lineage(parents=parents))
    attempt.prepare(result)
    etag = attempt.publish(written, key).version.etag
    return result.model_copy(update={"outputs": (output.model_copy(update={"etag": etag}),)})


def _read(context: StepContext, key: str) -> Replay:
    stored = context.lake.read(key)
    if stored is None:
        raise ConfigFault(f"there is no replay under {key}", option="replay")
    return Replay.model_validate_json(stored[0])


def _chosen(context: StepContext, replay: Replay) -> pl.DataFrame:
    """The chosen rows of the quarantine without the reasons, each with its number."""
    numbers = pl.LazyFrame({_NUMBER: [row.number for row in replay.rows]}, schema={_NUMBER: pl.UInt32})
    quarantine = scan(context.lake, replay.quarantine_key).with_row_index(_NUMBER, offset=1)
    rows = quarantine.join(numbers, on=_NUMBER, how="semi", build_side="force_right", maintain_order="left")
    chosen = rows.drop(FAILED_RULES, REASON).collect(engine="streaming")
    if chosen.height != len(replay.rows):
        missing = sorted({row.number for row in replay.rows} - set(chosen[_NUMBER].to_list()))
        raise ConfigFault(f"{replay.quarantine_key} has no row {missing[0]}", file=replay.quarantine_key, row=missing[0])
    return chosen


def _fixed(chosen: pl.DataFrame, replay: Replay) -> pl.DataFrame:
    """The rows with the values that replace others. Raises ConfigFault for a column that Bronze does not have."""
    known = [name for name in chosen.columns if not name.startswith(RESERVED_PREFIX)]
    columns = list(dict.fromkeys(column for row in replay.rows for column in row.values))
    for column in columns:
        if column not in known:
            raise ConfigFault(
                f"the fix names the column {column!r}, which {replay.quarantine_key} does not have; it has {', '.join(known)}",
                file=replay.quarantine_key,
                column=column,
            )
        given = {row.number: row.values[column] for row in replay.rows if column in row.values}
        values = pl.DataFrame(
            {_NUMBER: list(given), "_fix": list(given.values())}, schema={_NUMBER: pl.UInt32, "_fix": pl.String}
        )
        fixes = values.select(_NUMBER, pl.col("_fix").cast(chosen.schema[column]), pl.lit(True).alias("_is_fixed"))
        value = pl.when(pl.col("_is_fixed").is_not_null()).then(pl.col("_fix")).otherwise(pl.col(column))
        joined = chosen.join(fixes, on=_NUMBER, how="left", maintain_order="left")
        chosen = joined.with_columns(value.alias(column)).select(chosen.columns)
    return chosen
