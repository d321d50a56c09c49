"""Delimited files in the tests: what the product makes of one, and what Python's own csv module says."""

import csv
import io
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from flowforge.medallion.bronze import bronze_frame
from flowforge.medallion.delimited import Structure, find_malformed_record, read_structure
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.model.source import FileConfig

FILE = "orders.csv"
BLOCK_ROWS = 200_000
INGESTED_AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
Row = tuple[str | None, ...]


def chunked(data: bytes, size: int) -> list[bytes]:
    """The bytes in chunks of a size."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def structure_of(data: bytes, *, delimiter: str = ",", chunk_bytes: int = 1 << 20) -> Structure:
    """What the structure check says of a file that comes in chunks."""
    return read_structure(lambda: chunked(data, chunk_bytes), file=FILE, delimiter=delimiter)


def bronze_of(data: bytes, *, delimiter: str = ",", chunk_bytes: int = 1 << 20) -> pl.DataFrame:
    """The rows of Bronze. Raises DataFault as the step does: from the check, or from the search after the engine refused."""
    structure = structure_of(data, delimiter=delimiter, chunk_bytes=chunk_bytes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes(data)
        frame = bronze_frame(
            str(path), structure, FileConfig(delimiter=delimiter), source_file=FILE, run_id="run", ingested_at=INGESTED_AT
        )
        try:
            rows = frame.collect()
        except pl.exceptions.PolarsError:
            fault = find_malformed_record(lambda: chunked(data, chunk_bytes), file=FILE, delimiter=delimiter)
            if fault is None:
                raise
            raise fault from None
    assert rows.height == structure.records
    return rows


def cells_of(data: bytes, *, delimiter: str = ",", chunk_bytes: int = 1 << 20) -> list[Row]:
    """The cells of Bronze without the audit columns, an empty one as None."""
    rows = bronze_of(data, delimiter=delimiter, chunk_bytes=chunk_bytes).drop(AUDIT_COLUMNS).rows()
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
