"""Files in memory as the readers of Bronze take them."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from flowforge.medallion.bronze_source import Audit, BronzeSource
from flowforge.medallion.stored_file import StoredFile
from flowforge.model.names import AUDIT_COLUMNS

AUDIT = Audit("20261123-run", datetime(2026, 11, 23, 6, 0, tzinfo=UTC))


def stored(
    content: bytes, name: str, *, path: Path | None = None, chunk_bytes: int = 1 << 20, memory_bytes: int | None = None
) -> StoredFile:
    """A file that comes in chunks of a size. The engine reads Parquet by itself, from ``path``."""
    if path is not None:
        path.write_bytes(content)
    return StoredFile(
        name=name,
        content_name=name,
        size_bytes=len(content),
        uri=str(path),
        open_stream=lambda: (content[at : at + chunk_bytes] for at in range(0, len(content), chunk_bytes)),
        read_range=lambda start, count: content[start : start + count],
        memory_bytes=memory_bytes,
    )


def bronze_rows(source: BronzeSource) -> pl.DataFrame:
    """The rows of Bronze without the audit columns, once these are what they have to be."""
    rows = source.frame(AUDIT).collect()
    assert tuple(rows.columns[-len(AUDIT_COLUMNS) :]) == AUDIT_COLUMNS
    assert rows["_row_number"].to_list() == list(range(1, source.records + 1))
    assert set(rows["_source_file"]) <= {source.name}
    return rows.drop(AUDIT_COLUMNS)
