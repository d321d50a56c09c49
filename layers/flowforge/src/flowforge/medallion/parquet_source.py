"""Parquet as a source of Bronze: the types that the file carries, streamed row group by row group."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from flowforge.medallion.bronze_source import ROW_NUMBER, Audit, ReadInWhole, with_audit_columns
from flowforge.medallion.common_type import fitted, stored
from flowforge.medallion.header import unique_names
from flowforge.medallion.stored_file import StoredFile
from flowforge.model.errors import DataFault
from flowforge.model.parquet_footer import TAIL_BYTES, ParquetShape, footer_bytes, read_footer


@dataclass(frozen=True)
class ParquetSource(ReadInWhole):
    """A Parquet file. ``records`` is what its footer states; the engine counts by the pages that it reads.

    ``types`` are by unique names, ``names`` those in the file.
    """

    file: StoredFile
    names: tuple[str, ...]
    types: Mapping[str, pl.DataType]
    records: int
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    def frame(self, audit: Audit) -> pl.LazyFrame:
        """The columns by position, then the audit columns."""
        index = ROW_NUMBER
        while index in self.names:
            index += "_"
        # By position, since the file may have a column of any name; the row number comes first.
        columns = [
            fitted(pl.nth(position), data_type, stored(data_type)).alias(name)
            for position, (name, data_type) in enumerate(self.types.items(), start=1)
        ]
        frame = _scan(self.file, row_index_name=index)
        return with_audit_columns(frame, columns, audit, source_file=self.name, row_number=pl.col(index))


def examine_parquet(file: StoredFile) -> ParquetSource:
    """The columns, types and rows of a Parquet file, from its footer.

    Raises DataFault for a file that is damaged, cut off, encrypted, or has no columns. A type that Arrow calls an extension is
    kept as what it stores.
    """
    shape = _shape(file)
    carried = _scan(file).collect_schema()
    if not carried:
        raise DataFault(f"{file.name} is empty: it has no columns", file=file.name)
    names = unique_names(carried.names())
    types = dict(zip(names, carried.values(), strict=True))
    renamed = [f"{old!r} is {new!r}" for old, new in zip(carried.names(), names, strict=True) if old != new]
    notes = (f"{file.name}: columns were renamed: {', '.join(renamed)}",) if renamed else ()
    return ParquetSource(file, tuple(carried.names()), types, shape.rows, notes)


def _shape(file: StoredFile) -> ParquetShape:
    tail = file.read_range(max(0, file.size_bytes - TAIL_BYTES), TAIL_BYTES)
    length = footer_bytes(tail, file=file.name, size_bytes=file.size_bytes)
    return read_footer(file.read_range(file.size_bytes - TAIL_BYTES - length, length), file=file.name)


def _scan(file: StoredFile, *, row_index_name: str | None = None) -> pl.LazyFrame:
    return pl.scan_parquet(
        file.uri,
        row_index_name=row_index_name,
        row_index_offset=1,
        glob=False,
        hive_partitioning=False,
        storage_options=dict(file.storage_options) if file.storage_options else None,
    )
