"""Delimited text as a source of Bronze: every column as text."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from flowforge.medallion.bronze import bronze_frame, malformed_frame
from flowforge.medallion.bronze_source import Audit, BronzeSource
from flowforge.medallion.delimited import TextExamination, examine_text
from flowforge.medallion.delimited_text import DelimitedText
from flowforge.medallion.stored_file import FileContent, StoredFile
from flowforge.model.errors import DataFault
from flowforge.model.source import FileConfig

PROVEN_BESIDE_BYTES = 16 << 20
"""Smaller files are proven before anything is converted: that is done in a blink."""
TAIL_BYTES = 64 << 10
"""Where blank lines are looked for at the end of a file."""


@dataclass(frozen=True)
class DelimitedSource:
    """A delimited text. The engine reads the stored file where that is plain, and a copy otherwise.

    ``unproven`` is there where only the start was looked at: ``text`` is what that promises, and tells no number of records.
    """

    file: FileContent
    config: FileConfig
    text: DelimitedText
    unproven: TextExamination | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.text.name

    @property
    def types(self) -> Mapping[str, pl.DataType]:
        """Text, every column."""
        return {column: pl.String() for column in self.text.columns}

    @property
    def records(self) -> int:
        """The records that the check of the structure counted."""
        if self.unproven is not None:
            raise AssertionError(f"the records of {self.name} were asked for before they were counted")
        return self.text.records

    @property
    def malformed(self) -> int:
        """The records that were set aside."""
        return self.text.malformed

    @property
    def notes(self) -> tuple[str, ...]:
        """What was detected, and how many records were set aside."""
        if not self.malformed:
            return self.text.notes
        told = f"{self.name}: {self.malformed:,} of {self.records:,} records are malformed and went to quarantine"
        return (*self.text.notes, told)

    @property
    def in_scratch(self) -> bool:
        """Whether the engine reads a copy, or the file lies there."""
        return self.text.view.path is not None or self.file.in_scratch

    @property
    def is_proven(self) -> bool:
        """Whether all of it was looked at."""
        return self.unproven is None

    def proving(self) -> AbstractContextManager[None]:
        """While a frame of what the start promises is converted, the file is gone through; ``proven`` has the outcome."""
        return self.unproven.proving() if self.unproven is not None else nullcontext()

    def proven(self) -> "DelimitedSource":
        """The source with all of it looked at. What was converted before is right where its ``text`` has the same view.

        Raises what ``examine_text`` raises.
        """
        return self if self.unproven is None else replace(self, text=self.unproven.finish(), unproven=None)

    def reads_as(self, other: BronzeSource) -> bool:
        """Whether the engine reads the same columns in the same way from both."""
        return isinstance(other, DelimitedSource) and (self.text.view, self.text.columns) == (other.text.view, other.text.columns)

    def frame(self, audit: Audit) -> pl.LazyFrame:
        """The columns as text, then the audit columns."""
        copy = self.text.view.path
        if copy is not None:
            return bronze_frame(copy, self.text, self.config, audit)
        if not isinstance(self.file, StoredFile):
            raise ValueError(f"{self.name} is not stored as it is, and was not copied")
        return bronze_frame(self.file.uri, self.text, self.config, audit, storage_options=self.file.storage_options)

    def malformed_frame(self, audit: Audit) -> pl.LazyFrame | None:
        """The records that were set aside, with line, reason and text, then the audit columns."""
        return malformed_frame(self.text, audit) if self.malformed else None

    def second_try(self, fault: DataFault, scratch: Path) -> "DelimitedSource":
        """The text read record by record. Raises the fault given where it was, else one that names the malformed record."""
        if self.text.by_records:
            raise fault
        if self.text.view.path is not None:
            self.text.view.path.unlink()
        return DelimitedSource(self.file, self.config, examine_text(self.file, self.config, scratch=scratch, by_records=True))


def examine_delimited(file: FileContent, config: FileConfig, scratch: Path) -> DelimitedSource:
    """Establish the structure of a text, or of the start of one that is large; see ``examine_text`` for what it raises."""
    examination = TextExamination(file, config, scratch)
    if isinstance(file, StoredFile) and file.size_bytes >= PROVEN_BESIDE_BYTES and not _may_end_blank(file):
        promised = examination.promised()
        if promised is not None:
            return DelimitedSource(file, config, promised, examination)
    return DelimitedSource(file, config, examination.finish())


def _may_end_blank(file: StoredFile) -> bool:
    """Whether blank lines may follow the last record, which the engine would take for records of nulls."""
    tail = file.read_range(max(0, file.size_bytes - TAIL_BYTES), TAIL_BYTES)
    content = tail.rstrip(b"\r\n")
    return not content or tail.count(b"\n", len(content)) > 1
