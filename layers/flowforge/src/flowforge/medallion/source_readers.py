"""The reader of each format: the one place where a format meets the code that reads it."""

from collections.abc import Callable, Sequence

from flowforge.medallion.bronze_source import BronzeSource, StoredFile
from flowforge.medallion.delimited_source import examine_delimited
from flowforge.medallion.excel import examine_excel
from flowforge.medallion.json_documents import examine_json
from flowforge.medallion.parquet_source import examine_parquet
from flowforge.model.source import FileConfig
from flowforge.model.source_format import SourceFormat

Examine = Callable[[StoredFile, FileConfig], Sequence[BronzeSource]]

READERS: dict[SourceFormat, Examine] = {
    SourceFormat.CSV: lambda file, config: [examine_delimited(file, config)],
    SourceFormat.JSON: lambda file, config: [examine_json(file, config)],
    SourceFormat.EXCEL: examine_excel,
    SourceFormat.PARQUET: lambda file, _: [examine_parquet(file)],
}


def examine_source(file: StoredFile, found: SourceFormat, config: FileConfig) -> Sequence[BronzeSource]:
    """Everything that can be said against a file before a byte is written: the sources that it gives, one or more.

    Raises DataFault, ConfigFault or NextTier as the format's reader does.
    """
    return READERS[found](file, config)
