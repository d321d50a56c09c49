"""The structure of a delimited text file, established apart from the reader that converts it.

polars pads short rows with nulls and tells no row number for long ones, so a file is proven rectangular here first:
outside quotes there must be ``records x (columns - 1)`` delimiters, every quote must open or close a field or be doubled,
and no carriage return may stand alone. Where that does not hold, or the text is not UTF-8, a slower reader goes record by
record and names the first one that is wrong. Quotes inside an unquoted field pass where they come in pairs, which every
reader takes for themselves.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from flowforge.medallion.header import unique_names
from flowforge.model.errors import DataFault

if TYPE_CHECKING:
    import _csv

MAX_HEADER_BYTES = 16 << 20
MAX_FIELD_CHARACTERS = 64 << 20
"""What a quote that is never closed may swallow before it is given up."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
READ_BYTES = 1 << 20
SHOWN_CHARACTERS = 80

OpenStream = Callable[[], Iterable[bytes]]
"""Opens the file anew from its first byte and gives it in chunks."""


@dataclass(frozen=True)
class Structure:
    """The columns of a file in order, its number of records, and how many blank lines follow the last one."""

    columns: tuple[str, ...]
    records: int
    trailing_blank_lines: int


class _Counter:
    """Counts lines and delimiters outside quotes, at the speed of ``bytes.count``."""

    def __init__(self, delimiter: bytes) -> None:
        self._delimiter = delimiter
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._within_character = False
        self._last = b"\n"
        self._well_formed = True
        self.quoted = False
        self.lines = 0
        self.delimiters = 0
        self.closing_line_ends = 0
        self.ends_open = False

    @property
    def is_certain(self) -> bool:
        """Whether every reader sees the records that were counted.

        A delimiter that ends the last line without a line end is the one field too many that polars does not refuse.
        """
        return self._well_formed and not self.quoted and self._last not in (b"\r", self._delimiter)

    def feed(self, chunk: bytes) -> None:
        """Count one chunk. Raises UnicodeDecodeError where it is not UTF-8."""
        self._require_utf8(chunk)
        outside = self._outside_quotes(chunk)
        self.lines += outside.count(b"\n")
        self.delimiters += outside.count(self._delimiter)
        self._check_form(outside)
        content = chunk.rstrip(b"\r\n")
        self.closing_line_ends = chunk.count(b"\n", len(content)) + (0 if content else self.closing_line_ends)
        self.ends_open = not chunk.endswith(b"\n")

    def _outside_quotes(self, chunk: bytes) -> bytes:
        """The chunk with one quote in the place of each quoted text; the one that a chunk before opened stood there."""
        if not self.quoted and b'"' not in chunk:
            return chunk
        parts = chunk.split(b'"')
        outside = b'"'.join(parts[int(self.quoted) :: 2])
        self.quoted ^= len(parts) % 2 == 0
        return outside + b'"' if self.quoted and len(parts) > 1 else outside

    def _check_form(self, outside: bytes) -> None:
        """See that quotes stand at the edges of fields and carriage returns before line feeds."""
        text = self._last + outside
        if b'"' in text:
            while b'""' in text:
                text = text.replace(b'""', b'"')
            quotes = text.count(b'"')
            opening = text.count(b'\n"') + text.count(self._delimiter + b'"')
            closing = text.count(b'"\n') + text.count(b'"\r') + text.count(b'"' + self._delimiter)
            self._well_formed &= opening == quotes - text.startswith(b'"') and closing == quotes - text.endswith(b'"')
        self._well_formed &= text.count(b"\r\n") == text.count(b"\r") - text.endswith(b"\r")
        self._last = text[-1:]

    def _require_utf8(self, chunk: bytes) -> None:
        """Decode only what must be: a chunk of ASCII that continues no character is UTF-8."""
        if self._within_character or not chunk.isascii():
            self._decoder.decode(chunk)
            self._within_character = bool(self._decoder.getstate()[0])

    def finish(self) -> None:
        """Close the text. Raises UnicodeDecodeError where it ends within a character."""
        self._decoder.decode(b"", final=True)


def read_structure(open_stream: OpenStream, *, file: str, delimiter: str) -> Structure:
    """Establish the columns and the number of records of a file with a header.

    Raises DataFault for an empty file, a file that is not UTF-8, and a record whose number of fields differs from the
    header's; the message names the row (1-based record after the header) and the line.
    """
    header, leading_lines = read_header(open_stream(), file=file, delimiter=delimiter)
    counter = _Counter(delimiter.encode())
    try:
        for chunk in _without_mark(open_stream()):
            counter.feed(chunk)
        counter.finish()
    except UnicodeDecodeError:
        return _read_record_by_record(open_stream, header, file=file, delimiter=delimiter)
    blank = max(0, counter.closing_line_ends - 1)
    lines = counter.lines + counter.ends_open - blank - leading_lines
    if not counter.is_certain or counter.delimiters != lines * (len(header) - 1):
        return _read_record_by_record(open_stream, header, file=file, delimiter=delimiter)
    return Structure(unique_names(header), records=lines - 1, trailing_blank_lines=blank)


def read_header(stream: Iterable[bytes], *, file: str, delimiter: str) -> tuple[list[str], int]:
    """The fields of the header record as they stand there, and how many blank lines precede it.

    Raises DataFault for a file without content, a header that is not UTF-8, ends in a lone carriage return, or is longer
    than 16 MiB (then the file is hardly delimited text).
    """
    start, counter = b"", _Counter(delimiter.encode())
    try:
        for chunk in _without_mark(stream):
            start += chunk
            counter.feed(chunk)
            if counter.lines > _leading_line_ends(start):
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
        header = next(_csv_reader(io.StringIO(text, newline="\n"), delimiter))
        "".join(header).encode()
    except UnicodeEncodeError as error:
        raise DataFault(f"{file}: the header is not UTF-8; save the file as UTF-8", file=file, row=0) from error
    except csv.Error as error:
        if "\r" in text.partition("\n")[0].rstrip("\r"):
            message = f"{file}: its lines end in a carriage return alone; save it with line feeds"
        else:
            message = f"{file}: the header cannot be read: {error}; check its quotes"
        raise DataFault(message, file=file, row=0) from error
    return header, _leading_line_ends(start)


def _leading_line_ends(start: bytes) -> int:
    """How many blank lines precede the first character of a text."""
    return start[: len(start) - len(start.lstrip(b"\r\n"))].count(b"\n")


def _without_mark(stream: Iterable[bytes]) -> Iterator[bytes]:
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


def find_malformed_record(open_stream: OpenStream, *, file: str, delimiter: str) -> DataFault | None:
    """The first record that is wrong, as the fault to raise, or None where each one can be read."""
    header, _ = read_header(open_stream(), file=file, delimiter=delimiter)
    try:
        _read_record_by_record(open_stream, header, file=file, delimiter=delimiter)
    except DataFault as fault:
        return fault
    return None


def _read_record_by_record(open_stream: OpenStream, header: list[str], *, file: str, delimiter: str) -> Structure:
    """The same answer as read_structure, by the csv module: right for every quoting, and able to name the row."""
    text = io.TextIOWrapper(
        io.BufferedReader(_Raw(_without_mark(open_stream())), READ_BYTES),
        encoding="utf-8",
        errors="surrogateescape",
        newline="\n",
    )
    lines = _Lines(text)
    reader = _csv_reader(lines, delimiter)
    width, row, blank = len(header), -1, 0
    while True:
        lines.taken.clear()
        try:
            fields = next(reader, None)
            lines.check()
        except csv.Error as error:
            number = row + 1 + blank
            raise DataFault(
                f"{file}: row {number} (line {reader.line_num}) cannot be read: {_told(error)}", file=file, row=number
            ) from error
        if fields is None:
            return Structure(unique_names(header), records=row, trailing_blank_lines=blank)
        if not fields:
            blank += row >= 0
            continue
        if blank and width > 1:
            raise DataFault(
                f"{file}: row {row + 1} is blank, with rows after it; {width} fields were expected",
                file=file,
                row=row + 1,
            )
        row += 1 + blank
        blank = 0
        _check_record(fields, width, file=file, row=row, line=reader.line_num)


def _csv_reader(lines: Iterable[str], delimiter: str) -> "_csv.Reader":
    """The csv module's reader, with the limit that it keeps for the whole process."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    return csv.reader(lines, delimiter=delimiter, strict=True)


class _Lines:
    """The lines of a text, and those that the csv module took for the present record."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_FIELD_CHARACTERS)
        if not line:
            raise StopIteration
        self.taken.append(line)
        return line

    def check(self) -> None:
        """Raise csv.Error where polars, which ends a record at a line end after an even number of quotes, sees another."""
        if not self.taken:
            return
        if self.taken[-1].endswith(("\r", "\r\r\n")):
            raise csv.Error(_LONE_CARRIAGE_RETURN)
        *within, last = accumulate(line.count('"') for line in self.taken)
        if last % 2 or any(quotes % 2 == 0 for quotes in within):
            raise csv.Error("a quote without its partner stands inside an unquoted field")


_LONE_CARRIAGE_RETURN = "new-line character seen in unquoted field"
"""How the csv module's own message begins."""


def _told(error: csv.Error) -> str:
    """What the csv module says, with what to do about it."""
    if str(error).startswith(_LONE_CARRIAGE_RETURN):
        return "a carriage return stands alone; end lines with line feeds, or put the field in quotes"
    return f"{error}; check its quotes"


def _check_record(fields: list[str], width: int, *, file: str, row: int, line: int) -> None:
    """Raise DataFault where a record has another number of fields than the header or holds bytes that are not UTF-8."""
    if len(fields) != width:
        shown = ascii(",".join(fields))[:SHOWN_CHARACTERS]
        raise DataFault(
            f"{file}: row {row} (line {line}) has {len(fields)} fields, the header has {width}: {shown}",
            file=file,
            row=row,
        )
    for number, field in enumerate(fields, start=1):
        if not field.isascii() and any("\udc80" <= character <= "\udcff" for character in field):
            raise DataFault(
                f"{file}: row {row} (line {line}), field {number} is not UTF-8; save the file as UTF-8",
                file=file,
                row=row,
            )


class _Raw(io.RawIOBase):
    """A readable byte stream over chunks."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer with the next bytes; 0 at the end."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
