"""Delimited text as a source of Bronze: every column as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flowforge.medallion.bronze import bronze_frame, malformed_frame
from flowforge.medallion.bronze_source import Audit
from flowforge.medallion.delimited import examine_text
from flowforge.medallion.delimited_text import DelimitedText
from flowforge.medallion.stored_file import FileContent, StoredFile
from flowforge.model.errors import DataFault
from flowforge.model.source import FileConfig


@dataclass(frozen=True)
class DelimitedSource:
    """A delimited text, examined. The engine reads the stored file where that is plain, and a copy otherwise."""

    file: FileContent
    config: FileConfig
    text: DelimitedText

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
    """Establish the structure of a text; see ``examine_text`` for what it raises."""
    return DelimitedSource(file, config, examine_text(file, config, scratch=scratch))
