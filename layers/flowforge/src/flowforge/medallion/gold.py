"""Gold: a copy of Silver, or an aggregation whose group counts sum to the rows read."""

from collections.abc import Collection
from datetime import date

import polars as pl

from flowforge.medallion.aggregation import Aggregation
from flowforge.medallion.row_order import ordered
from flowforge.model.errors import DataFault
from flowforge.model.gold import ROW_COUNT, SNAPSHOT_DATE, GoldConfig
from flowforge.model.row_order import OrderTerm


def gold_frame(
    silver: pl.LazyFrame, config: GoldConfig, *, undetermined: Collection[str] = (), snapshot_date: date | None = None
) -> pl.LazyFrame:
    """The rows of Gold, all of them made anew.

    A copy keeps every column, and the order where the job states none. An aggregation gives the group columns, the
    aggregates, and ``_row_count`` (Int64, the rows of the group). ``snapshot_date`` becomes the last column, if given.
    Raises ConfigFault where a column is not there or not of the kind that is needed.
    """
    if not config.aggregation_enabled:
        return finished(silver, config, snapshot_date=snapshot_date)
    aggregation = Aggregation(silver, config, undetermined)
    source = aggregation.source
    groups = aggregation.groups(source, aggregation.magnitudes(source).scales)
    return finished(groups, config, snapshot_date=snapshot_date)


def finished(rows: pl.LazyFrame, config: GoldConfig, *, snapshot_date: date | None = None) -> pl.LazyFrame:
    """The rows in the order of Gold: as the job states it, then groups by their columns, with null as the smallest value."""
    if snapshot_date is not None:
        rows = rows.with_columns(pl.lit(snapshot_date, dtype=pl.Date).alias(SNAPSHOT_DATE))
    terms = config.row_order
    if config.aggregation_enabled:
        stated = [term.column for term in terms]
        terms = [*terms, *(OrderTerm(name) for name in config.group_columns if name not in stated)]
    return ordered(rows, terms, option="goldConfig.orderBy")


def represented_rows(gold: pl.LazyFrame, config: GoldConfig) -> pl.LazyFrame:
    """One row, one column: how many rows of Silver a written Gold stands for."""
    if not config.aggregation_enabled:
        return gold.select(pl.len())
    return gold.select(pl.col(ROW_COUNT).sum())


def require_in_range(gold: pl.LazyFrame, silver: pl.LazyFrame, config: GoldConfig) -> None:
    """Raise DataFault where a sum of floats in a written Gold is beyond their range, though every value is in it."""
    aggregation = Aggregation(silver, config)
    for output, column in aggregation.float_results(silver.collect_schema()).items():
        if not _is_infinite(gold, output) or _is_infinite(silver, column):
            continue
        raise DataFault(
            f"goldConfig.aggregates.{output}: the result lies beyond the range of a 64-bit float; state a decimal as the "
            f"dataType of {column} in columnMappings, or correct the values",
            column=column,
        )


def _is_infinite(frame: pl.LazyFrame, column: str) -> bool:
    """Whether any value of a column is infinite."""
    return bool(frame.select(pl.col(column).is_infinite().any()).collect(engine="streaming").item())
