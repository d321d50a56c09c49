"""The column of a table's surrogate keys, by the table's strategy."""

from collections.abc import Sequence

import polars as pl

from flowforge.medallion.duplicates import POSITION, repeated_positions
from flowforge.medallion.surrogate_key import surrogate_key
from flowforge.model.errors import DataFault
from flowforge.model.quality_rule import QualityRule
from flowforge.model.silver_config import MergeStrategy, SilverConfig, SurrogateKeyStrategy


def with_surrogate_key(rows: pl.LazyFrame, config: SilverConfig, key: Sequence[str]) -> pl.LazyFrame:
    """The rows with the surrogate key as the last column, or as they are where the source has it.

    A version of a history that holds from its arrival is told from others of its key by ``_ingested_at``. Numbers count
    the rows from 1, as in a table that has no other rows.
    """
    strategy, name = config.surrogate_key_strategy, config.surrogate_key_column
    if strategy is SurrogateKeyStrategy.USE_EXISTING:
        return rows
    if strategy is SurrogateKeyStrategy.AUTO_INCREMENT:
        columns = rows.collect_schema().names()
        return rows.with_row_index(name, offset=1).select(*columns, pl.col(name).cast(pl.Int64))
    by_arrival = config.merge_strategy is MergeStrategy.SCD_TYPE_2 and config.effective_date_source is None
    named = [*key, "_ingested_at"] if by_arrival else key
    return rows.with_columns(surrogate_key(strategy, named, rows.collect_schema()).alias(name))


def existing_key_rules(config: SilverConfig) -> tuple[QualityRule, ...]:
    """What rows are held to whose surrogate key is a column of the source: it is there, and no other row of the run has it."""
    column = config.existing_surrogate_key
    if column is None:
        return ()
    return (
        QualityRule(name=f"surrogate_key_is_there({column})", column=column, rule_type="not_null"),
        QualityRule(name=f"surrogate_key_is_unique({column})", column=column, rule_type="unique"),
    )


def require_unique_keys(table: pl.LazyFrame, config: SilverConfig, *, rows: int, name: str) -> None:
    """Raise DataFault where two rows of a table have the same existing surrogate key; ``rows`` is the table's height."""
    column = config.existing_surrogate_key
    if column is None:
        return
    frame = table.select(column).with_row_index(POSITION)
    positions = repeated_positions(frame, [column], rows=rows)
    if positions.height:
        first = frame.filter(pl.col(POSITION) == positions[POSITION].min()).collect(engine="streaming")[column].item()
        raise DataFault(
            f"{name}: rows of different primary keys share {first!r} in {column}, which use_existing takes for "
            "their surrogate key; nothing was published, mend the source",
            column=column,
        )


def numbered(rows: pl.DataFrame, known: pl.DataFrame, name: str, *, maximum: int) -> pl.DataFrame:
    """The numbers of rows by ``_position``: those of keys that have one stay, new ones go on from the maximum in their order.

    ``rows`` and ``known`` hold ``_position``; ``known`` adds the number (Int64) under ``name``.
    """
    joined = rows.select(POSITION).unique().sort(POSITION).join(known, on=POSITION, how="left", maintain_order="left")
    following = maximum + pl.col(name).is_null().cast(pl.Int64).cum_sum()
    return joined.select(POSITION, pl.coalesce(pl.col(name), following).cast(pl.Int64).alias(name))


def with_numbers(frame: pl.LazyFrame, numbers: pl.DataFrame, name: str) -> pl.LazyFrame:
    """The rows that have a number, with it, in their order and with the columns in theirs."""
    columns = frame.collect_schema().names()
    return (
        frame.drop(name)
        .join(numbers.lazy(), on=POSITION, how="inner", build_side="force_right", maintain_order="left")
        .select(columns)
    )
