"""What the plan sees of a file without reading it: its format, the width of its rows, its columns, its size as text."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.model.errors import DataFault
from flowforge.model.parquet_footer import TAIL_BYTES, ParquetShape, footer_bytes, read_footer
from flowforge.model.plan import DEFAULT_ROW_BYTES
from flowforge.model.source import SourceConfig
from flowforge.model.source_format import HEAD_BYTES, SourceFormat, source_format

PARQUET_TEXT_RATIO = 5
"""A gigabyte of TPC-H lineitem as text is 222 MB as Parquet (docs/reference/tiers.md)."""
WORKBOOK_TEXT_RATIO = 7
"""Sheets of eight columns: 31 MB of XML, which is about as long as the text in it with its delimiters, in 4.1 MB."""
WORKBOOK_ROW_BYTES = 40
WORKBOOK_COLUMNS = 16
BETWEEN_RECORDS = re.compile(r"[, \t\r\n]*")
MAX_SAMPLED_RECORDS = 100
MAX_BRACES_TRIED = 5
TAIL_READ_BYTES = 64 << 10


@dataclass(frozen=True)
class SeenShape:
    """``row_bytes`` are stored bytes for a row, ``text_bytes`` what the whole file is as text: estimates."""

    format: SourceFormat
    row_bytes: float
    columns: int
    text_bytes: int


def seen_shape(lake: Lake, version: ObjectVersion, name: str, config: SourceConfig) -> SeenShape:
    """Look at the head of a file, and at a Parquet file's footer. Raises DataFault for an unknown format."""
    head = lake.read_start(version, HEAD_BYTES)
    found = source_format(name, head, config.type)
    if found is SourceFormat.PARQUET:
        return _parquet_shape(version.size_bytes, name, lambda start, count: lake.read_range(version, start, count))
    if found is SourceFormat.EXCEL:
        return SeenShape(found, WORKBOOK_ROW_BYTES, WORKBOOK_COLUMNS, version.size_bytes * WORKBOOK_TEXT_RATIO)
    widths = _json_widths(head) if found is SourceFormat.JSON else _line_widths(head, config.file_config.delimiter)
    return SeenShape(found, *widths, version.size_bytes)


def _line_widths(head: bytes, delimiter: str) -> tuple[float, int]:
    """The width of a row in bytes and the number of columns, as the head of a text shows them."""
    lines = head.splitlines()
    columns = lines[0].count(delimiter.encode()) + 1 if lines else 1
    # The last line may be cut off, and the first one is the header.
    whole = lines[1:-1] or lines[1:]
    return (sum(len(line) + 1 for line in whole) / len(whole) if whole else DEFAULT_ROW_BYTES), columns


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


def _parquet_shape(size_bytes: int, name: str, read: Callable[[int, int], bytes]) -> SeenShape:
    tail_at = max(0, size_bytes - TAIL_READ_BYTES)
    tail = read(tail_at, TAIL_READ_BYTES)
    try:
        length = footer_bytes(tail[-TAIL_BYTES:], file=name, size_bytes=size_bytes)
        start = size_bytes - TAIL_BYTES - length
        shape = read_footer(tail[start - tail_at : -TAIL_BYTES] if start >= tail_at else read(start, length), file=name)
    except DataFault:
        # Bronze says what is wrong with the file, and the workflow's other jobs run all the same.
        shape = ParquetShape(0, 1)
    row_bytes = size_bytes / shape.rows if shape.rows else DEFAULT_ROW_BYTES
    return SeenShape(SourceFormat.PARQUET, row_bytes, max(1, shape.columns), size_bytes * PARQUET_TEXT_RATIO)
