"""The reader of each format: the one place where a format meets the code that reads it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from flowforge.medallion.bronze_source import BronzeSource
from flowforge.medallion.delimited_source import examine_delimited
from flowforge.medallion.excel import examine_excel
from flowforge.medallion.file_content import unpacked
from flowforge.medallion.json_documents import examine_json
from flowforge.medallion.parquet_source import examine_parquet
from flowforge.medallion.stored_file import FileContent
from flowforge.model.source import FileConfig
from flowforge.model.source_format import SourceFormat

Examine = Callable[[FileContent, FileConfig, Path], Sequence[BronzeSource]]

READERS: dict[SourceFormat, Examine] = {
    SourceFormat.CSV: lambda file, config, scratch: [examine_delimited(file, config, scratch)],
    SourceFormat.JSON: lambda file, config, _: [examine_json(file, config)],
    SourceFormat.EXCEL: lambda file, config, scratch: examine_excel(unpacked(file, scratch), config),
    SourceFormat.PARQUET: lambda file, _, scratch: [examine_parquet(unpacked(file, scratch))],
}


def examine_source(file: FileContent, found: SourceFormat, config: FileConfig, scratch: Path) -> Sequence[BronzeSource]:
    """Everything that can be said against a file before a byte is written: the sources that it gives, one or more.

    Copies go to the empty folder ``scratch``. Raises DataFault, ConfigFault or NextTier as the format's reader does.
    """
    return READERS[found](file, config, scratch)
