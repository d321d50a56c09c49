"""Delimited files in the tests: what the product makes of one, and what Python's own csv module says."""

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from flowforge.medallion.bronze import bronze_frame, malformed_frame
from flowforge.medallion.bronze_source import Audit
from flowforge.medallion.delimited import examine_text
from flowforge.medallion.delimited_text import DelimitedText
from flowforge.medallion.file_stream import OpenStream
from flowforge.medallion.stored_file import FileContent
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.model.source import FileConfig

FILE = "orders.csv"
BLOCK_ROWS = 200_000
INGESTED_AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
AUDIT = Audit("run", INGESTED_AT)
Row = tuple[str | None, ...]


def chunked(data: bytes, size: int) -> list[bytes]:
    """The bytes in chunks of a size."""
    return [data[start : start + size] for start in range(0, len(data), size)]


@contextmanager
def examined(data: bytes, *, by_records: bool = False, chunk_bytes: int = 1 << 20, **options: Any) -> Iterator[DelimitedText]:
    """What is found in a file that comes in chunks, while its copies are there."""
    with tempfile.TemporaryDirectory() as folder:
        content = FileContent(name=FILE, content_name=FILE, open_stream=lambda: chunked(data, chunk_bytes))
        yield examine_text(content, FileConfig(**options), scratch=Path(folder), by_records=by_records)


def examine_stream(open_stream: OpenStream, **options: Any) -> DelimitedText:
    """What is found in a file that is too large to be written down."""
    with tempfile.TemporaryDirectory() as folder:
        content = FileContent(name=FILE, content_name=FILE, open_stream=open_stream)
        return examine_text(content, FileConfig(**options), scratch=Path(folder))


def structure_of(data: bytes, *, chunk_bytes: int = 1 << 20, **options: Any) -> DelimitedText:
    """What is found in a file that comes in chunks."""
    with examined(data, chunk_bytes=chunk_bytes, **options) as text:
        return text


def bronze_of(data: bytes, *, chunk_bytes: int = 1 << 20, **options: Any) -> pl.DataFrame:
    """The rows of Bronze. Raises DataFault as the step does: from the check, or from the records after the engine refused."""
    try:
        return _rows(data, chunk_bytes=chunk_bytes, **options)
    except pl.exceptions.PolarsError:
        return _rows(data, chunk_bytes=chunk_bytes, by_records=True, **options)


def _rows(data: bytes, *, chunk_bytes: int, by_records: bool = False, **options: Any) -> pl.DataFrame:
    with examined(data, chunk_bytes=chunk_bytes, by_records=by_records, **options) as text, tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(data)
        rows = bronze_frame(text.view.path or file.name, text, FileConfig(**options), AUDIT).collect()
        assert rows.height == text.records - text.malformed
        return rows


def malformed_of(data: bytes, *, chunk_bytes: int = 1 << 20, **options: Any) -> list[tuple[int, int, str, str]]:
    """The malformed records of a file: number, line, reason, text."""
    with examined(data, chunk_bytes=chunk_bytes, on_malformed_row="quarantine", **options) as text:
        if not text.malformed:
            return []
        rows = malformed_frame(text, AUDIT).collect()
        assert rows.height == text.malformed
        return rows.select("_row_number", "_line", "_reason", "_raw_text").rows()


def cells_of(data: bytes, *, chunk_bytes: int = 1 << 20, **options: Any) -> list[Row]:
    """The cells of Bronze without the audit columns, an empty one as None."""
    rows = bronze_of(data, chunk_bytes=chunk_bytes, **options).drop(AUDIT_COLUMNS).rows()
    return [tuple(cell or None for cell in row) for row in rows]


def expected_cells(data: bytes, *, delimiter: str = ",") -> list[Row]:
    """The same cells by the csv module. Blank lines before the header and after the last record are no records."""
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    records = list(csv.reader(text, delimiter=delimiter, strict=True))
    while records and not records[0]:
        del records[0]
    width = len(records.pop(0))
    while records and not records[-1]:
        del records[-1]
    return [tuple(cell or None for cell in (record or [""] * width)) for record in records]


def written(
    rows: Sequence[Sequence[str]], *, delimiter: str = ",", line_end: str = "\n", quoting: int = csv.QUOTE_MINIMAL
) -> bytes:
    """A file as the csv module writes it; it quotes a carriage return only where that is part of its line end."""
    text = io.StringIO(newline="")
    if any("\r" in cell for row in rows for cell in row):
        quoting = csv.QUOTE_ALL
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue().encode()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of files, by name."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return archive.getvalue()


def write_big_file(path: Path, size_bytes: int) -> int:
    """Write a file of at least this size with quoted commas in it; the number of its rows."""
    block = "".join(
        f'{row},customer {row % 1000},2026-01-{row % 28 + 1:02},{row % 977}.{row % 100:02},"Köln, Altstadt",more text {row}\n'
        for row in range(BLOCK_ROWS)
    ).encode()
    blocks = -(-size_bytes // len(block))
    with path.open("wb") as file:
        file.write(b"id,customer,day,amount,city,text\n")
        for _ in range(blocks):
            file.write(block)
    return blocks * BLOCK_ROWS
