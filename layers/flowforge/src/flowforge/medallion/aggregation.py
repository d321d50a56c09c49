"""The aggregation of Silver: a row for each group, and how many rows of Silver it stands for."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from flowforge.medallion.aggregates import ARRIVAL, aggregate_expression
from flowforge.medallion.columns import require_column
from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.exact_sum import Magnitudes, magnitudes
from flowforge.medallion.time_grain import period_start
from flowforge.model.aggregate import AggregateFunction
from flowforge.model.gold import ROW_COUNT, GoldConfig

SUMMED = (AggregateFunction.SUM, AggregateFunction.AVG)


@dataclass(frozen=True)
class Aggregation:
    """The frames of an aggregation over ``silver``, whose rows are in Silver's order.

    Columns that are ``undetermined`` hold nulls only and count as numbers, or as times.
    """

    silver: pl.LazyFrame
    config: GoldConfig
    undetermined: Collection[str] = ()

    @property
    def source(self) -> pl.LazyFrame:
        """Silver with the column of the periods, and ``_position`` where first or last need it.

        Raises ConfigFault where a column that the groups need is not there or holds no times.
        """
        config = self.config
        numbers = {item.column for item in config.parsed_aggregates.values() if item.function.needs_numbers}
        nulls = [name for name in self.undetermined if name in numbers and name not in config.aggregation_group_by]
        frame = self.silver.with_columns(pl.col(name).cast(pl.Float64, strict=False) for name in nulls)
        if config.aggregation_time_column in self.undetermined:
            no_time = pl.lit(None, dtype=pl.Datetime("us", "UTC"))
            frame = frame.with_columns(no_time.alias(str(config.aggregation_time_column)))
        schema = frame.collect_schema()
        for name in config.aggregation_group_by:
            require_column(name, schema, "goldConfig.aggregationGroupBy")
        for name in config.aggregation_order_by:
            require_column(name, schema, "goldConfig.aggregationOrderBy")
        if config.aggregation_time_grain is not None and config.aggregation_time_column is not None:
            column = config.aggregation_time_column
            require_column(column, schema, "goldConfig.aggregationTimeColumn")
            period = period_start(column, schema[column], config.aggregation_time_grain, config.aggregation_time_zone)
            frame = frame.with_columns(period.alias(str(config.period_column)))
        if any(item.function in (AggregateFunction.FIRST, AggregateFunction.LAST) for item in config.parsed_aggregates.values()):
            frame = frame.with_row_index(POSITION)
        return frame

    def magnitudes(self, source: pl.LazyFrame) -> Magnitudes:
        """Those of the floats that the job sums up: one pass over them."""
        schema = source.collect_schema()
        summed = {item.column for item in self.config.parsed_aggregates.values() if item.function in SUMMED}
        return magnitudes(source, [name for name in schema if name in summed and schema[name].is_float()])

    def groups(self, source: pl.LazyFrame, scales: dict[str, float]) -> pl.LazyFrame:
        """Group columns, aggregates, and ``_row_count`` (Int64), in no order; without group columns one row."""
        schema = source.collect_schema()
        arrival = [name for name in ARRIVAL if name in schema]
        order = [*self.config.aggregation_order_by, *(name for name in arrival if name not in self.config.aggregation_order_by)]
        aggregates = [
            aggregate_expression(item, schema, output=output, scales=scales, order=[*order, POSITION]).alias(output)
            for output, item in self.config.parsed_aggregates.items()
        ]
        counted = [*aggregates, pl.len().cast(pl.Int64).alias(ROW_COUNT)]
        by = self.config.group_columns
        return source.group_by(by).agg(counted) if by else source.select(counted)

    def float_results(self, schema: pl.Schema) -> dict[str, str]:
        """Output to column of the sums and averages that are floats; ``schema`` is the source's."""
        parsed = self.config.parsed_aggregates
        return {
            output: item.column
            for output, item in parsed.items()
            if item.function in SUMMED and item.column in schema and schema[item.column].is_float()
        }
