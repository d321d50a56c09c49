"""What the start of a file shows of it, by the readers that Bronze itself has: how it is read, its columns, its first rows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from flowforge.medallion.bronze_source import ROW_NUMBER, Audit, BronzeSource
from flowforge.medallion.delimited_source import DelimitedSource, examine_delimited
from flowforge.medallion.excel import examine_excel
from flowforge.medallion.inference import infer_types
from flowforge.medallion.json_documents import LINES, examine_json
from flowforge.medallion.parquet_source import examine_parquet
from flowforge.medallion.stored_file import StoredFile
from flowforge.medallion.whole_records import whole_json_records, whole_lines
from flowforge.model.contract import DataType
from flowforge.model.errors import DataFault
from flowforge.model.source import FileConfig
from flowforge.model.source_format import SourceFormat
from flowforge.model.text_options import OnMalformedRow

MAX_ROWS = 10_000
"""As many rows are looked at; types and shares follow from them."""
MAX_COLUMNS = 1000
"""As many columns are described: more do not fit the answer of a function."""
NOBODY = Audit(run_id="", ingested_at=datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class FileHead:
    """The start of a file's content once it is unpacked; ``is_whole`` where nothing follows."""

    name: str
    content_name: str
    content: bytes
    is_whole: bool


@dataclass(frozen=True)
class Examined:
    """What was found. ``types`` and ``rows`` are of at most 1,000 columns, in file order, and ``rows`` are at most 10,000.

    ``records`` counts those that were looked at, or all of the file where ``is_whole``; ``malformed`` those of them that cannot
    be read. ``encoding`` and ``delimiter`` are those of delimited text.
    """

    columns: int
    types: dict[str, DataType]
    rows: pl.DataFrame
    records: int
    is_whole: bool
    malformed: int
    encoding: str | None
    delimiter: str | None
    notes: tuple[str, ...]


def examine_head(head: FileHead, found: SourceFormat, config: FileConfig, scratch: Path) -> Examined:
    """Examine delimited text or JSON by its start; copies go to the empty folder ``scratch``.

    Raises DataFault for a file that Bronze would refuse for what stands there. Malformed rows of a text are counted.
    """
    if found is SourceFormat.JSON:
        return _examined(examine_json(*_json_head(head, config, scratch)), is_whole=head.is_whole)
    content = head.content if head.is_whole else whole_lines(head.content, config)
    lenient: dict[str, Any] = {"on_malformed_row": OnMalformedRow.QUARANTINE, "max_malformed_rows": None}
    if not head.is_whole:
        # The footer is not there.
        lenient["skip_footer_rows"] = 0
    source = examine_delimited(_written(head, content, scratch), config.model_copy(update=lenient), _folder(scratch, "copies"))
    try:
        examined = _examined(source, is_whole=head.is_whole)
    except pl.exceptions.PolarsError as error:
        fault = DataFault(f"{head.name} could not be read: {error}", file=head.name)
        source = source.second_try(fault, _folder(scratch, "second"))
        examined = _examined(source, is_whole=head.is_whole)
    text = source.text
    # A quoted field can hold the line end at which the start was cut.
    cut_off = 0 if head.is_whole or text.records not in text.malformed_numbers else 1
    return replace(
        examined,
        records=examined.records - cut_off,
        malformed=examined.malformed - cut_off,
        encoding=text.encoding,
        delimiter=text.dialect.delimiter,
    )


def examine_whole(file: StoredFile, found: SourceFormat, config: FileConfig) -> list[Examined]:
    """Examine a workbook, a sheet or all of them, or a Parquet file by its footer.

    Raises DataFault, ConfigFault and NextTier as their readers do.
    """
    if found is SourceFormat.PARQUET:
        return [_examined(examine_parquet(file), is_whole=True)]
    return [_examined(sheet, is_whole=True) for sheet in examine_excel(file, config)]


def _examined(source: BronzeSource, *, is_whole: bool) -> Examined:
    shown = list(source.types)[:MAX_COLUMNS]
    frame = source.frame(NOBODY).select(*shown, ROW_NUMBER).head(MAX_ROWS)
    rows = frame.collect(engine="streaming").sort(ROW_NUMBER)
    inferred = infer_types(rows.lazy(), shown)
    notes = [*_notes(source), *inferred.notes]
    if len(shown) < len(source.types):
        notes.append(f"{source.name}: the first {MAX_COLUMNS:,} of {len(source.types):,} columns are shown")
    return Examined(
        columns=len(source.types),
        types=inferred.types,
        rows=rows.select(shown),
        records=source.records,
        is_whole=is_whole,
        malformed=source.malformed,
        encoding=None,
        delimiter=None,
        notes=tuple(notes),
    )


def _notes(source: BronzeSource) -> tuple[str, ...]:
    """What a person should know of how it is read; the malformed rows have a number of their own."""
    return source.text.notes if isinstance(source, DelimitedSource) else source.notes


def _json_head(head: FileHead, config: FileConfig, scratch: Path) -> tuple[StoredFile, FileConfig]:
    if head.is_whole:
        return _written(head, head.content, scratch), config
    is_lines = head.content_name.lower().endswith(LINES)
    content = whole_lines(head.content, config) if is_lines else b""
    if not content or content == head.content:
        content = whole_json_records(head.content, config.record_path, file=head.name)
        config = config.model_copy(update={"record_path": None})
    file = _written(head, content, scratch)
    return replace(file, content_name=f"{head.content_name}{LINES[0]}"), config


def _written(head: FileHead, content: bytes, scratch: Path) -> StoredFile:
    """The content as a file that the engine can open."""
    path = _folder(scratch, "head") / "content"
    path.write_bytes(content)
    return StoredFile(
        name=head.name,
        content_name=head.content_name,
        open_stream=partial(_stream, content),
        size_bytes=len(content),
        uri=str(path),
        read_range=lambda start, count: content[start : start + count],
    )


def _stream(content: bytes) -> Iterator[bytes]:
    yield content


def _folder(scratch: Path, name: str) -> Path:
    folder = scratch / name
    folder.mkdir()
    return folder
