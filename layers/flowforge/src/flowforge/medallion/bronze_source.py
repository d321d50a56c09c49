"""What Bronze needs of a source, whatever its format: one interface, and what the readers of all formats share."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from flowforge.model.errors import DataFault
from flowforge.model.names import AUDIT_COLUMNS

ROW_NUMBER = "_row_number"
OpenStream = Callable[[], Iterable[bytes]]
"""Opens the file anew from its first byte and gives it in chunks."""
ReadRange = Callable[[int, int], bytes]
"""Reads bytes of the file: from where, and how many."""


@dataclass(frozen=True)
class StoredFile:
    """A file that lies somewhere, and the ways to its bytes. ``memory_bytes`` is what a reader may take to hold it."""

    name: str
    size_bytes: int
    uri: str
    open_stream: OpenStream
    read_range: ReadRange
    storage_options: Mapping[str, str | int] | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Audit:
    """What the audit columns say of every row of a file."""

    run_id: str
    ingested_at: datetime


class BronzeSource(Protocol):
    """The records of one file, or of one sheet of it, examined and ready to be converted."""

    @property
    def name(self) -> str:
        """What ``_source_file`` says: the file's name, and the sheet's where a file gives several sources."""

    @property
    def types(self) -> Mapping[str, pl.DataType]:
        """The columns in file order, by their unique names, with the types that the file carries."""

    @property
    def records(self) -> int:
        """The number of records, counted apart from ``frame``."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for what a person should know about how the file was read."""

    def frame(self, audit: Audit) -> pl.LazyFrame:
        """A streaming frame of ``types``, then the four audit columns."""

    def explain(self, fault: DataFault) -> DataFault:
        """The fault to raise where the engine refused the file: the one given, or one that names the row."""


def with_audit_columns(
    frame: pl.LazyFrame, columns: Iterable[pl.Expr], audit: Audit, *, source_file: str, row_number: pl.Expr
) -> pl.LazyFrame:
    """The columns, then ``_ingested_at`` (Datetime[us, UTC]), ``_source_file`` (String), ``_row_number`` (Int64, 1-based record

    of its file) and ``_run_id`` (String).
    """
    values = {
        "_ingested_at": pl.lit(audit.ingested_at, dtype=pl.Datetime("us", "UTC")),
        "_source_file": pl.lit(source_file, dtype=pl.String),
        ROW_NUMBER: row_number.cast(pl.Int64),
        "_run_id": pl.lit(audit.run_id, dtype=pl.String),
    }
    return frame.select(*columns, *(values[name].alias(name) for name in AUDIT_COLUMNS))
