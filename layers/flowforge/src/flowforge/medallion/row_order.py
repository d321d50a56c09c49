"""Rows in a stated order, the same whatever order they come in."""

from collections.abc import Sequence

import polars as pl

from flowforge.medallion.columns import require_column
from flowforge.model.row_order import OrderTerm


def ordered(frame: pl.LazyFrame, terms: Sequence[OrderTerm], *, option: str) -> pl.LazyFrame:
    """The rows by these terms, null as the smallest value; rows that are equal in all of them keep their order.

    Sorting holds all rows in memory. Raises ConfigFault for a column that is not there.
    """
    if not terms:
        return frame
    schema = frame.collect_schema()
    for term in terms:
        require_column(term.column, schema, option)
    descending = [term.descending for term in terms]
    return frame.sort([pl.col(term.column) for term in terms], descending=descending, nulls_last=descending, maintain_order=True)
