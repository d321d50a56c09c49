"""Which format a file has: told by its first bytes where they can tell it, and else by its extension."""

import re
from enum import StrEnum

from flowforge.model.errors import DataFault


class SourceFormat(StrEnum):
    """How a file is read. ``auto``: as its content and, where that does not tell, its extension say."""

    AUTO = "auto"
    CSV = "csv"
    JSON = "json"
    EXCEL = "excel"
    PARQUET = "parquet"


EXTENSIONS = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), SourceFormat.CSV),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), SourceFormat.JSON),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls"), SourceFormat.EXCEL),
    **dict.fromkeys((".parquet", ".pq"), SourceFormat.PARQUET),
}
TEXT_FORMATS = (SourceFormat.CSV, SourceFormat.JSON)
HEAD_BYTES = 64 << 10
"""How much of a file's start is looked at."""

PARQUET_MAGIC = b"PAR1"
ENCRYPTED_PARQUET_MAGIC = b"PARE"
ZIP_MAGIC = b"PK\x03\x04"
COMPOUND_FILE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
"""A Compound File ([MS-CFB] 2.2): a workbook of Excel 97-2003, or a newer one behind a password."""
WORKBOOK_PARTS = (b"[Content_Types].xml", b"xl/workbook", b"xl/worksheets", b"xl/styles", b"xl/_rels")
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}
JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*[\[{\]])")
"""No header of a delimited text starts like an object, or like an array of objects."""


def source_format(name: str, head: bytes, declared: SourceFormat) -> SourceFormat:
    """The format of a file from its name, its first bytes and what the job says of it; never ``auto``.

    Raises DataFault where they contradict each other, and where neither tells.
    """
    content, extension = _by_content(name, head), _by_extension(name)
    expected = extension if declared is SourceFormat.AUTO else declared
    if content is not None and declared in (content, SourceFormat.AUTO):
        return content
    if content is not None:
        raise DataFault(f"{name} holds {content.value}, and the job's sourceConfig.type is {declared.value!r}", file=name)
    if expected is None:
        known = ", ".join(EXTENSIONS)
        raise DataFault(f"{name}: the format is unknown; state sourceConfig.type, or name the file by one of {known}", file=name)
    if head and expected not in TEXT_FORMATS:
        kind = "Parquet file" if expected is SourceFormat.PARQUET else "workbook of Excel"
        raise DataFault(f"{name} is no {kind}, and is damaged or of another format: it starts with {head[:8]!r}", file=name)
    return expected


def misnamed(name: str, found: SourceFormat) -> str | None:
    """A sentence for a file whose extension stands for another format than it has, or None."""
    extension = _by_extension(name)
    if extension in (None, found):
        return None
    return f"{name} holds {found.value} in spite of its name, and was read as that"


def _by_extension(name: str) -> SourceFormat | None:
    return next((known for extension, known in EXTENSIONS.items() if name.lower().endswith(extension)), None)


def _by_content(name: str, head: bytes) -> SourceFormat | None:
    if head.startswith(PARQUET_MAGIC):
        return SourceFormat.PARQUET
    if head.startswith(ENCRYPTED_PARQUET_MAGIC):
        raise DataFault(f"{name} is an encrypted Parquet file; write it without encryption", file=name)
    if head.startswith(COMPOUND_FILE_MAGIC) or (head.startswith(ZIP_MAGIC) and any(part in head for part in WORKBOOK_PARTS)):
        return SourceFormat.EXCEL
    compression = next((word for magic, word in COMPRESSED.items() if head.startswith(magic)), None)
    if head.startswith(ZIP_MAGIC) or compression:
        raise DataFault(f"{name} is compressed ({compression or 'zip'}); unpack it first", file=name)
    return SourceFormat.JSON if JSON_START.match(head) else None
