"""The aggregates of Gold as expressions over the rows of a group. Null is no value to any of them.

Sums, averages and medians come out the same in whatever order the rows are read; ``first`` and ``last`` go by an order of
their own. The engine refuses a sum of decimals or integers that does not fit 38 digits.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from flowforge.medallion.columns import require_column
from flowforge.medallion.exact_sum import exact_mean, exact_sum
from flowforge.model.aggregate import Aggregate, AggregateFunction
from flowforge.model.errors import ConfigFault

ARRIVAL = ("_ingested_at", "_run_id")
"""What orders rows by the time that they came, before their place in Silver decides."""


def aggregate_expression(
    aggregate: Aggregate,
    schema: pl.Schema,
    *,
    output: str,
    scales: Mapping[str, float],
    order: Sequence[str],
) -> pl.Expr:
    """One aggregate, for ``group_by(...).agg``; ``order`` are columns without a tie, by which first and last are told.

    count, count_distinct: Int64. sum: Decimal, of floats Float64. avg, median: Float64. min, max, first, last: as the column.
    Raises ConfigFault where the column is not there, or holds no numbers and has to.
    """
    option = f"goldConfig.aggregates.{output}"
    if aggregate.column == "*":
        return pl.len().cast(pl.Int64)
    require_column(aggregate.column, schema, option)
    column, dtype = pl.col(aggregate.column), schema[aggregate.column]
    if aggregate.function.needs_numbers and not dtype.is_numeric():
        raise ConfigFault(
            f"{option}: {aggregate.function}({aggregate.column}) needs a number, and the column is {dtype}; state its dataType "
            "in columnMappings",
            column=aggregate.column,
            option=option,
        )
    match aggregate.function:
        case AggregateFunction.COUNT:
            return column.count().cast(pl.Int64)
        case AggregateFunction.COUNT_DISTINCT:
            return column.drop_nulls().n_unique().cast(pl.Int64)
        case AggregateFunction.SUM:
            return exact_sum(aggregate.column, dtype, scales.get(aggregate.column, 1.0))
        case AggregateFunction.AVG:
            return exact_mean(aggregate.column, dtype, scales.get(aggregate.column, 1.0))
        case AggregateFunction.MEDIAN:
            return column.median().cast(pl.Float64)
        case AggregateFunction.MIN:
            return column.min()
        case AggregateFunction.MAX:
            return column.max()
        case AggregateFunction.FIRST | AggregateFunction.LAST:
            return _at_an_end(aggregate, order)


def _at_an_end(aggregate: Aggregate, order: Sequence[str]) -> pl.Expr:
    """The value of the first or the last row that has one."""
    present = pl.col(aggregate.column).is_not_null()
    # A null orders as the smallest value: whether there is one comes before what it is.
    keys = [key for name in order for key in (pl.col(name).is_not_null().alias(f"{name} is"), pl.col(name))]
    place = pl.struct(keys).filter(present)
    value = pl.col(aggregate.column).filter(present)
    return value.min_by(place) if aggregate.function is AggregateFunction.FIRST else value.max_by(place)
