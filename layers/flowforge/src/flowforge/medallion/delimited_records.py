"""A delimited text read record by record, by the csv module: right for every quoting, and able to name the row."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from flowforge.medallion.delimited_header import MAX_FIELD_CHARACTERS, csv_reader, without_mark
from flowforge.model.errors import DataFault

READ_BYTES = 1 << 20
SHOWN_CHARACTERS = 80


def count_records(stream: Iterable[bytes], header: Sequence[str], *, file: str, delimiter: str) -> tuple[int, int]:
    """How many records follow the header, and how many blank lines follow the last one.

    Raises DataFault for the first record that is wrong, naming its row and line.
    """
    text = io.TextIOWrapper(
        io.BufferedReader(_Raw(without_mark(stream)), READ_BYTES),
        encoding="utf-8",
        errors="surrogateescape",
        newline="\n",
    )
    lines = _Lines(text)
    reader = csv_reader(lines, delimiter)
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
            return row, blank
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
