"""Gold: a copy of Silver, or an aggregation whose group counts sum to the rows read."""

from collections.abc import Collection

import polars as pl

from flowforge.medallion.exact_sum import exact_mean, exact_sum, float_scales
from flowforge.model.aggregate import Aggregate
from flowforge.model.destination import GoldConfig
from flowforge.model.errors import ConfigFault

ROW_COUNT = "_row_count"


def gold_frame(silver: pl.LazyFrame, config: GoldConfig, *, undetermined: Collection[str] = ()) -> pl.LazyFrame:
    """The rows of Gold.

    A copy keeps every column and the order. An aggregation gives the group columns, the aggregates, and ``_row_count``
    (Int64, the rows of the group), sorted by the group columns with nulls first. Columns that are
    ``undetermined`` hold nulls only and count as numbers. Raises ConfigFault for a sum or an average of what is no number.
    """
    if not config.aggregation_enabled:
        return silver
    nulls = [name for name in _summed(config, undetermined) if name not in config.aggregation_group_by]
    silver = silver.with_columns(pl.col(name).cast(pl.Float64, strict=False) for name in nulls)
    schema = silver.collect_schema()
    for name in config.aggregation_group_by:
        _require_column(name, schema, "goldConfig.aggregationGroupBy")
    parsed = config.parsed_aggregates
    scales = float_scales(silver, [name for name in _summed(config, schema.names()) if schema[name].is_float()])
    aggregates = [_expression(aggregate, schema, scales, output).alias(output) for output, aggregate in parsed.items()]
    counted = [*aggregates, pl.len().cast(pl.Int64).alias(ROW_COUNT)]
    if not config.aggregation_group_by:
        return silver.select(counted)
    by = list(config.aggregation_group_by)
    return silver.group_by(by).agg(counted).sort(by, nulls_last=False)


def represented_rows(gold: pl.LazyFrame, config: GoldConfig) -> pl.LazyFrame:
    """One row, one column: how many rows of Silver a written Gold stands for."""
    if not config.aggregation_enabled:
        return gold.select(pl.len())
    return gold.select(pl.col(ROW_COUNT).sum())


def _summed(config: GoldConfig, names: Collection[str]) -> list[str]:
    """Those of the names that the job sums up or averages."""
    used = {aggregate.column for aggregate in config.parsed_aggregates.values() if aggregate.function in ("sum", "avg")}
    return [name for name in names if name in used]


def _require_column(name: str, schema: pl.Schema, option: str) -> None:
    if name not in schema:
        raise ConfigFault(
            f"{option} names the column {name!r}, which Silver does not have; it has {', '.join(schema)}",
            column=name,
            option=option,
        )


def _expression(aggregate: Aggregate, schema: pl.Schema, scales: dict[str, float], output: str) -> pl.Expr:
    option = f"goldConfig.aggregates.{output}"
    if aggregate.column == "*":
        return pl.len().cast(pl.Int64)
    _require_column(aggregate.column, schema, option)
    column, dtype = pl.col(aggregate.column), schema[aggregate.column]
    if aggregate.function == "count":
        return column.count().cast(pl.Int64)
    if aggregate.function in ("sum", "avg") and not dtype.is_numeric():
        raise ConfigFault(
            f"{option}: {aggregate.function}({aggregate.column}) needs a number, and the column is {dtype}; state its dataType "
            "in columnMappings",
            column=aggregate.column,
            option=option,
        )
    match aggregate.function:
        case "sum":
            return exact_sum(aggregate.column, dtype, scales.get(aggregate.column, 1.0))
        case "avg":
            return exact_mean(aggregate.column, dtype, scales.get(aggregate.column, 1.0))
        case "min":
            return column.min()
        case _:
            return column.max()
