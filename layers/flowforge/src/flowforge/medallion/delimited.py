"""The structure of a delimited text file, established apart from the reader that converts it.

polars pads short rows with nulls and tells no row number for long ones, so a file is proven rectangular here first:
outside quotes there must be ``records x (columns - 1)`` delimiters, every quote must open or close a field or be doubled,
and no carriage return may stand alone. Where that does not hold, or the text is not UTF-8, a slower reader goes record by
record and names the first one that is wrong. Quotes inside an unquoted field pass where they come in pairs, which every
reader takes for themselves.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from flowforge.medallion.delimited_counter import TextCounter
from flowforge.medallion.delimited_header import read_header, without_mark
from flowforge.medallion.delimited_records import count_records
from flowforge.medallion.header import unique_names
from flowforge.model.errors import DataFault

OpenStream = Callable[[], Iterable[bytes]]
"""Opens the file anew from its first byte and gives it in chunks."""


@dataclass(frozen=True)
class Structure:
    """The columns of a file in order, its number of records, and how many blank lines follow the last one."""

    columns: tuple[str, ...]
    records: int
    trailing_blank_lines: int


def read_structure(open_stream: OpenStream, *, file: str, delimiter: str) -> Structure:
    """Establish the columns and the number of records of a file with a header.

    Raises DataFault for an empty file, a file that is not UTF-8, and a record whose number of fields differs from the
    header's; the message names the row (1-based record after the header) and the line.
    """
    header, leading_lines = read_header(open_stream(), file=file, delimiter=delimiter)
    counter = TextCounter(delimiter.encode())
    try:
        for chunk in without_mark(open_stream()):
            counter.feed(chunk)
        counter.finish()
    except UnicodeDecodeError:
        return _read_record_by_record(open_stream, header, file=file, delimiter=delimiter)
    blank = max(0, counter.closing_line_ends - 1)
    lines = counter.lines + counter.ends_open - blank - leading_lines
    if not counter.is_certain or counter.delimiters != lines * (len(header) - 1):
        return _read_record_by_record(open_stream, header, file=file, delimiter=delimiter)
    return Structure(unique_names(header), records=lines - 1, trailing_blank_lines=blank)


def find_malformed_record(open_stream: OpenStream, *, file: str, delimiter: str) -> DataFault | None:
    """The first record that is wrong, as the fault to raise, or None where each one can be read."""
    header, _ = read_header(open_stream(), file=file, delimiter=delimiter)
    try:
        _read_record_by_record(open_stream, header, file=file, delimiter=delimiter)
    except DataFault as fault:
        return fault
    return None


def _read_record_by_record(open_stream: OpenStream, header: Sequence[str], *, file: str, delimiter: str) -> Structure:
    """The same answer as read_structure, by the slower reader."""
    records, blank = count_records(open_stream(), header, file=file, delimiter=delimiter)
    return Structure(unique_names(header), records=records, trailing_blank_lines=blank)
