"""Delimited text as a source of Bronze: every column as text."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from flowforge.medallion.bronze import bronze_frame
from flowforge.medallion.bronze_source import Audit, StoredFile
from flowforge.medallion.delimited import Structure, find_malformed_record, read_structure
from flowforge.model.errors import DataFault
from flowforge.model.source import FileConfig


@dataclass(frozen=True)
class DelimitedSource:
    """A delimited text file with its structure."""

    file: StoredFile
    config: FileConfig
    structure: Structure
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.name

    @property
    def types(self) -> Mapping[str, pl.DataType]:
        """Text, every column."""
        return {column: pl.String() for column in self.structure.columns}

    @property
    def records(self) -> int:
        """The records that the structure check counted."""
        return self.structure.records

    def frame(self, audit: Audit) -> pl.LazyFrame:
        """The columns as text, then the audit columns."""
        return bronze_frame(
            self.file.uri,
            self.structure,
            self.config,
            source_file=self.name,
            run_id=audit.run_id,
            ingested_at=audit.ingested_at,
            storage_options=self.file.storage_options,
        )

    def explain(self, fault: DataFault) -> DataFault:
        """The first record that is wrong, where the slower reader finds one; the fault itself otherwise."""
        found = find_malformed_record(self.file.open_stream, file=self.name, delimiter=self.config.delimiter)
        return found or fault


def examine_delimited(file: StoredFile, config: FileConfig) -> DelimitedSource:
    """Establish the structure of a file. Raises DataFault naming the row where it is not rectangular or not UTF-8."""
    return DelimitedSource(file, config, read_structure(file.open_stream, file=file.name, delimiter=config.delimiter))
