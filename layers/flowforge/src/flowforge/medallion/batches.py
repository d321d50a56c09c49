"""A stream of batches as a frame that the engine reads as a stream: for formats that are read outside the engine."""

from collections.abc import Callable, Iterator

import polars as pl
from polars.io.plugins import register_io_source

BATCH_ROWS = 16_384

Batches = Callable[[], Iterator[pl.DataFrame]]
"""Starts anew and gives the rows in order, each batch in the same schema."""


def streamed(batches: Batches, schema: pl.Schema) -> pl.LazyFrame:
    """The rows of all batches as a frame; a batch is made when the engine asks for it. What ``batches`` raises is raised."""

    def read(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        del batch_size
        left = n_rows
        for batch in batches():
            rows = batch if left is None else batch.head(left)
            if left is not None:
                left -= rows.height
            if predicate is not None:
                rows = rows.filter(predicate)
            yield rows if with_columns is None else rows.select(with_columns)
            if left == 0:
                return

    return register_io_source(read, schema=schema)
