"""An aggregation brought up to date from the one before it and the rows that came since, as a full rebuild would have it.

Rows only ever come on top (Silver's strategy is append), so a group changes where a new row belongs to it and nowhere else.
Counts, least and greatest values and exact sums are added to the old ones, and only new rows are read. Other aggregates are made
anew for the groups that changed, from all rows, and the other groups are taken over.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from flowforge.medallion.aggregation import Aggregation
from flowforge.medallion.exact_sum import Magnitudes
from flowforge.model.aggregate import Aggregate, AggregateFunction
from flowforge.model.gold import ROW_COUNT

ADDED = (AggregateFunction.COUNT, AggregateFunction.SUM)


@dataclass(frozen=True)
class Increment:
    """``previous``: the rows of the Gold before. ``everything`` and ``new``: all rows of Silver, and those that came since.

    Both aggregations are of the same configuration and contract as ``previous``.
    """

    previous: pl.LazyFrame
    magnitudes: Magnitudes
    everything: Aggregation
    new: Aggregation

    def groups(self) -> tuple[pl.LazyFrame, Magnitudes] | None:
        """The groups of all rows, in no order; None where only a full rebuild gives them."""
        new = self.new.source
        joined = self.magnitudes.joined(self.new.magnitudes(new))
        # At another scale the last digits of a sum of floats may differ, also in groups that did not change.
        if joined.scales != self.magnitudes.scales:
            return None
        by = self.everything.config.group_columns
        if can_be_added(self.everything.config.parsed_aggregates, new.collect_schema()):
            return self._added(self.new.groups(new, {})), joined
        if not by:
            return None
        changed = new.select(by).unique()
        rows = self.everything.source.join(changed, on=by, how="semi", nulls_equal=True)
        kept = self.previous.join(changed, on=by, how="anti", nulls_equal=True)
        return pl.concat([kept, self.everything.groups(rows, joined.scales)]), joined

    def _added(self, new: pl.LazyFrame) -> pl.LazyFrame:
        config = self.everything.config
        aggregates = [_added(output, item).alias(output) for output, item in config.parsed_aggregates.items()]
        both = pl.concat([self.previous, new])
        added = [*aggregates, pl.col(ROW_COUNT).sum()]
        by = config.group_columns
        return both.group_by(by).agg(added) if by else both.select(added)


def can_be_added(aggregates: Mapping[str, Aggregate], schema: pl.Schema) -> bool:
    """Whether all aggregates of two sets of rows give those of both. A rounded sum of floats does not tell its last digits."""
    return all(
        item.function in (AggregateFunction.COUNT, AggregateFunction.MIN, AggregateFunction.MAX)
        or (item.function is AggregateFunction.SUM and item.column in schema and not schema[item.column].is_float())
        for item in aggregates.values()
    )


def _added(output: str, item: Aggregate) -> pl.Expr:
    value = pl.col(output)
    if item.function in ADDED:
        return pl.when(value.count() > 0).then(value.sum())
    return value.min() if item.function is AggregateFunction.MIN else value.max()
