"""The header record of a delimited text, and what every reader of such a text starts with."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from flowforge.medallion.delimited_counter import TextCounter
from flowforge.model.errors import DataFault

if TYPE_CHECKING:
    import _csv

MAX_HEADER_BYTES = 16 << 20
MAX_FIELD_CHARACTERS = 64 << 20
"""What a quote that is never closed may swallow before it is given up."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_header(stream: Iterable[bytes], *, file: str, delimiter: str) -> tuple[list[str], int]:
    """The fields of the header record as they stand there, and how many blank lines precede it.

    Raises DataFault for a file without content, a header that is not UTF-8, ends in a lone carriage return, or is longer
    than 16 MiB (then the file is hardly delimited text).
    """
    start, counter = b"", TextCounter(delimiter.encode())
    try:
        for chunk in without_mark(stream):
            start += chunk
            counter.feed(chunk)
            if counter.lines > leading_line_ends(start):
                break
            if len(start) > MAX_HEADER_BYTES:
                raise DataFault(
                    f"{file}: its header is longer than 16 MiB; check its first quote and its line ends", file=file, row=0
                )
    except UnicodeDecodeError:
        start = start[:MAX_HEADER_BYTES]
    text = start.lstrip(b"\r\n").decode("utf-8", errors="surrogateescape")
    if not text.strip():
        raise DataFault(f"{file} is empty: it has no header and no rows", file=file)
    try:
        header = next(csv_reader(io.StringIO(text, newline="\n"), delimiter))
        "".join(header).encode()
    except UnicodeEncodeError as error:
        raise DataFault(f"{file}: the header is not UTF-8; save the file as UTF-8", file=file, row=0) from error
    except csv.Error as error:
        if "\r" in text.partition("\n")[0].rstrip("\r"):
            message = f"{file}: its lines end in a carriage return alone; save it with line feeds"
        else:
            message = f"{file}: the header cannot be read: {error}; check its quotes"
        raise DataFault(message, file=file, row=0) from error
    return header, leading_line_ends(start)


def leading_line_ends(start: bytes) -> int:
    """How many blank lines precede the first character of a text."""
    return start[: len(start) - len(start.lstrip(b"\r\n"))].count(b"\n")


def without_mark(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks of a text less its byte order mark."""
    chunks = iter(stream)
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= len(BYTE_ORDER_MARK):
            break
    if content := start.removeprefix(BYTE_ORDER_MARK):
        yield content
    yield from filter(None, chunks)


def csv_reader(lines: Iterable[str], delimiter: str) -> "_csv.Reader":
    """The csv module's reader, with the limit that it keeps for the whole process."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    return csv.reader(lines, delimiter=delimiter, strict=True)
