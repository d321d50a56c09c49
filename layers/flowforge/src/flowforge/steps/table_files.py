"""The files that are a table, each with what its footer says: what the catalog is told, and nothing that it was told before."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.medallion.athena_types import athena_type, readable_type
from flowforge.medallion.column_union import Column
from flowforge.steps.attempt import scan
from flowforge.steps.stable_read import stable_read

PARALLEL_FOOTERS = 16


@dataclass(frozen=True)
class TableFile:
    """A Parquet object of a table: its rows and its columns, in the types that Athena has for them."""

    object: ObjectVersion
    rows: int
    columns: tuple[Column, ...]


def read_footers(lake: Lake, objects: Iterable[ObjectVersion]) -> list[TableFile]:
    """The objects with their footers, in the same order. Raises CommitConflict where one was replaced meanwhile."""

    def read(item: ObjectVersion) -> TableFile:
        def unchanged() -> bool:
            now = lake.head(item.key)
            return now is not None and now.etag == item.etag

        with stable_read(item.key, unchanged):
            frame = scan(lake, item.key)
            # A file that was written before types were made readable is described by the type it ought to have.
            columns = tuple((name, athena_type(readable_type(dtype))) for name, dtype in frame.collect_schema().items())
            rows = frame.select(pl.len()).collect().item()
        return TableFile(item, rows, columns)

    with ThreadPoolExecutor(PARALLEL_FOOTERS) as pool:
        return list(pool.map(read, objects))
