"""What Bronze needs of a source, whatever its format: one interface, and what the readers of all formats share."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, Self

import polars as pl

from flowforge.medallion.stored_file import FileContent
from flowforge.model.errors import DataFault
from flowforge.model.names import AUDIT_COLUMNS

ROW_NUMBER = "_row_number"


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
    def malformed(self) -> int:
        """How many of the records could not be read, and so are not in ``frame``."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for what a person should know about how the file was read."""

    @property
    def in_scratch(self) -> bool:
        """Whether it reads scratch space, so that it has to be converted before the next file takes that."""

    @property
    def is_proven(self) -> bool:
        """Whether all of it was looked at. Where only its start was, neither records nor malformed ones are known."""

    def proving(self) -> AbstractContextManager[None]:
        """A block in which the rest is looked at beside whatever else is done."""

    def proven(self) -> "BronzeSource":
        """The source with all of it looked at. Raises what an examination of the file raises."""

    def reads_as(self, other: "BronzeSource") -> bool:
        """Whether ``frame`` of both gives the same rows."""

    def frame(self, audit: Audit) -> pl.LazyFrame:
        """A streaming frame of ``types``, then the four audit columns."""

    def malformed_frame(self, audit: Audit) -> pl.LazyFrame | None:
        """A streaming frame of the records that could not be read, or None where there are none."""

    def second_try(self, fault: DataFault, scratch: Path) -> "BronzeSource":
        """The same source examined in another way, where the engine refused the file; ``scratch`` is an empty folder.

        Raises the fault to tell where there is no other way: the one given, or one that names the row.
        """


class ReadInWhole:
    """What a source answers whose format has no records that could be set aside, and one way to be read."""

    file: FileContent

    @property
    def malformed(self) -> int:
        """None: a file of which something cannot be read is refused."""
        return 0

    @property
    def in_scratch(self) -> bool:
        """Whether the file lies there."""
        return self.file.in_scratch

    @property
    def is_proven(self) -> bool:
        """It is examined as a whole."""
        return True

    def proving(self) -> AbstractContextManager[None]:
        """A block in which nothing is left to do."""
        return nullcontext()

    def proven(self) -> Self:
        """The source."""
        return self

    def reads_as(self, other: BronzeSource) -> bool:
        """Only the same source does."""
        return id(self) == id(other)

    def malformed_frame(self, _: Audit) -> None:
        """None."""

    def second_try(self, fault: DataFault, _: Path) -> BronzeSource:
        """None: every record has been looked at before, or is of a format without records of its own. Raises the fault given."""
        raise fault


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
