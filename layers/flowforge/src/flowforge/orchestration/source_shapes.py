"""What the plan sees of a file without reading it: its format, the width of its rows, its columns, its size as text."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.model.compression import CompressionType
from flowforge.model.errors import DataFault
from flowforge.model.parquet_footer import TAIL_BYTES, ParquetShape, footer_bytes, read_footer
from flowforge.model.plan import DEFAULT_ROW_BYTES
from flowforge.model.source import SourceConfig
from flowforge.model.source_format import HEAD_BYTES, SourceFormat, source_format
from flowforge.orchestration.text_shape import text_shape
from flowforge.orchestration.unpacked_head import unpacked_head

PARQUET_TEXT_RATIO = 5
"""A gigabyte of TPC-H lineitem as text is 222 MB as Parquet (docs/reference/tiers.md)."""
WORKBOOK_TEXT_RATIO = 7
"""Sheets of eight columns: 31 MB of XML, which is about as long as the text in it with its delimiters, in 4.1 MB."""
WORKBOOK_ROW_BYTES = 280
WORKBOOK_COLUMNS = 16
BETWEEN_RECORDS = re.compile(r"[, \t\r\n]*")
MAX_SAMPLED_RECORDS = 100
MAX_BRACES_TRIED = 5
TAIL_READ_BYTES = 64 << 10


@dataclass(frozen=True)
class SeenShape:
    """A file's ``format``, and estimates: the bytes of all of it as text in UTF-8, those of that text for a row, its columns, and

    what its copies take of ``/tmp``.
    """

    format: SourceFormat
    text_bytes: int
    row_bytes: float
    columns: int
    scratch_bytes: int = 0


def seen_shape(lake: Lake, version: ObjectVersion, name: str, config: SourceConfig) -> SeenShape:
    """Look at the head of a file, and at a Parquet file's footer. Raises DataFault for an unknown format."""
    head, size_bytes = unpacked_head(lake.read_start(version, HEAD_BYTES), name), version.size_bytes
    is_packed = head.compression is not CompressionType.NONE
    found = source_format(name, head.content, config.type, content_name=head.name if is_packed else None)
    unpacked_bytes, archive_bytes = head.unpacked_bytes(size_bytes), head.archive_bytes(size_bytes)
    if found is SourceFormat.CSV:
        text = text_shape(head, size_bytes, config.file_config)
        return SeenShape(found, text.text_bytes, text.row_bytes, text.columns, text.scratch_bytes)
    if found is SourceFormat.JSON:
        return SeenShape(found, unpacked_bytes, *_json_widths(head.content), archive_bytes)
    copied_bytes = unpacked_bytes + archive_bytes if is_packed else 0
    if found is SourceFormat.EXCEL:
        text_bytes = unpacked_bytes * WORKBOOK_TEXT_RATIO
        return SeenShape(found, text_bytes, WORKBOOK_ROW_BYTES, WORKBOOK_COLUMNS, copied_bytes)
    text_bytes = unpacked_bytes * PARQUET_TEXT_RATIO
    if is_packed:
        return SeenShape(found, text_bytes, DEFAULT_ROW_BYTES, 1, copied_bytes)
    shape = _parquet_shape(size_bytes, name, lambda start, count: lake.read_range(version, start, count))
    return SeenShape(found, text_bytes, text_bytes / shape.rows if shape.rows else DEFAULT_ROW_BYTES, max(1, shape.columns))


def _json_widths(head: bytes) -> tuple[float, int]:
    """The same for records of JSON: the first objects that stand there whole, be it in lines, in an array or deeper."""
    text = head.decode("utf-8-sig", errors="replace")
    start = -1
    for _ in range(MAX_BRACES_TRIED):
        start = text.find("{", start + 1)
        if start < 0:
            break
        at, count, columns = start, 0, 1
        while count < MAX_SAMPLED_RECORDS and at < len(text) and text[at] == "{":
            try:
                record, end = json.JSONDecoder().raw_decode(text, at)
            except (ValueError, RecursionError):
                break
            count, columns = count + 1, max(columns, len(record))
            between = BETWEEN_RECORDS.match(text, end)
            at = between.end() if between else end
        if count:
            return (at - start) / count, columns
    return DEFAULT_ROW_BYTES, 1


def _parquet_shape(size_bytes: int, name: str, read: Callable[[int, int], bytes]) -> ParquetShape:
    tail_at = max(0, size_bytes - TAIL_READ_BYTES)
    tail = read(tail_at, TAIL_READ_BYTES)
    try:
        length = footer_bytes(tail[-TAIL_BYTES:], file=name, size_bytes=size_bytes)
        start = size_bytes - TAIL_BYTES - length
        return read_footer(tail[start - tail_at : -TAIL_BYTES] if start >= tail_at else read(start, length), file=name)
    except DataFault:
        # Bronze says what is wrong with the file, and the workflow's other jobs run all the same.
        return ParquetShape(0, 1)
