"""Which format a file has: told by its first bytes where they can tell it, and else by its extension."""

import re
from enum import StrEnum

from flowforge.model.compression import ZIP_MAGIC, CompressionType, compression_of, unpacked_name
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
COMPOUND_FILE_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
"""A Compound File ([MS-CFB] 2.2): a workbook of Excel 97-2003, or a newer one behind a password."""
WORKBOOK_PARTS = (b"[Content_Types].xml", b"xl/workbook", b"xl/worksheets", b"xl/styles", b"xl/_rels")
NOT_UNPACKED = ((b"\xfd7zXZ\0", 0, "xz"), (b"1AY&SY", 4, "bzip2"))
"""Compressions that are known and not read: the signature, the place where it stands, the name."""
JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*[\[{\]])")
"""No header of a delimited text starts like an object, or like an array of objects."""


def file_compression(head: bytes) -> CompressionType:
    """How a file that begins like this is compressed; a workbook, which is a zip archive of parts, is taken as it is."""
    if head.startswith(ZIP_MAGIC) and any(part in head for part in WORKBOOK_PARTS):
        return CompressionType.NONE
    return compression_of(head)


def source_format(name: str, head: bytes, declared: SourceFormat, *, content_name: str | None = None) -> SourceFormat:
    """The format of a file from its name, the first bytes of its content and what the job says of it; never ``auto``.

    ``content_name`` is what unpacked content is called, None where the file is stored as it is. Content that was unpacked, or is
    named as if it could be, and tells nothing is text: an archive often has a name of its own, and so have its files.
    Raises DataFault where they contradict each other, and where nothing tells.
    """
    content, extension = _by_content(name, head), named_format(content_name or name)
    expected = extension if declared is SourceFormat.AUTO else declared
    if content is not None and declared in (content, SourceFormat.AUTO):
        return content
    if content is not None:
        raise DataFault(f"{name} holds {content.value}, and the job's sourceConfig.type is {declared.value!r}", file=name)
    if expected is None and (content_name is not None or unpacked_name(name) != name):
        return SourceFormat.CSV
    if expected is None:
        known = ", ".join(EXTENSIONS)
        raise DataFault(f"{name}: the format is unknown; state sourceConfig.type, or name the file by one of {known}", file=name)
    if head and expected not in TEXT_FORMATS:
        kind = "Parquet file" if expected is SourceFormat.PARQUET else "workbook of Excel"
        raise DataFault(f"{name} is no {kind}, and is damaged or of another format: it starts with {head[:8]!r}", file=name)
    return expected


def named_format(name: str) -> SourceFormat | None:
    """The format that a file's extension stands for, that of a compression left out; None where it stands for none."""
    stem = unpacked_name(name).lower()
    return next((known for extension, known in EXTENSIONS.items() if stem.endswith(extension)), None)


def misnamed(name: str, found: SourceFormat) -> str | None:
    """A sentence for a file whose extension stands for another format than it has, or None."""
    if named_format(name) in (None, found):
        return None
    return f"{name} holds {found.value} in spite of its name, and was read as that"


def _by_content(name: str, head: bytes) -> SourceFormat | None:
    if head.startswith(PARQUET_MAGIC):
        return SourceFormat.PARQUET
    if head.startswith(ENCRYPTED_PARQUET_MAGIC):
        raise DataFault(f"{name} is an encrypted Parquet file; write it without encryption", file=name)
    if head.startswith((COMPOUND_FILE_MAGIC, ZIP_MAGIC)):
        return SourceFormat.EXCEL
    compression = next((word for magic, place, word in NOT_UNPACKED if head.startswith(magic, place)), None)
    if compression is not None:
        raise DataFault(f"{name} is compressed by {compression}; deliver it plain, or as gzip, zip or zstd", file=name)
    return SourceFormat.JSON if JSON_START.match(head) else None
