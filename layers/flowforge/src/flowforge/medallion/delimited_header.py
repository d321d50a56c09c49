"""The first record of a delimited text: its names, or as many fields as its records have."""

from collections.abc import Iterable
from dataclasses import dataclass

from flowforge.medallion.delimited_records import Form, RecordReader
from flowforge.medallion.delimited_text import TextReading
from flowforge.medallion.header import unique_names
from flowforge.model.errors import DataFault

MAX_HEADER_CHARACTERS = 16 << 20


@dataclass(frozen=True)
class Header:
    """The columns' names, how many blank lines precede the first record, and whether that begins with a byte order mark that is

    text, since one stood before it or lines were skipped.
    """

    columns: tuple[str, ...]
    blank_lines: int
    begins_with_mark: bool


def read_header(reading: TextReading) -> Header:
    """The header of a text, from as much of it as that takes; without one ``column_1``, ``column_2`` and so on.

    Raises DataFault for a file without content, a header that cannot be read, is of another encoding, or longer than 16 MiB
    (then the file is hardly delimited text).
    """
    options, file = reading.options, reading.content.name
    reader = record_reader(reading, reading.texts())
    first = reader.first(MAX_HEADER_CHARACTERS)
    if first is None or (options.has_header and not first.text.strip() and not reader.has_more_text()):
        raise DataFault(f"{file} is empty: it has no {'header and no ' if options.has_header else ''}rows", file=file)
    if first.form is Form.MALFORMED:
        what = "the header" if options.has_header else "the first row"
        raise DataFault(f"{file}: {what} (line {first.line}) {first.reason}", file=file, row=0 if options.has_header else 1)
    fields = reader.pattern.fields(first.text)
    names = [field.text for field in fields] if options.has_header else [""] * len(fields)
    return Header(unique_names(names), reader.blank_lines_before, first.text.startswith("\ufeff"))


def record_reader(reading: TextReading, texts: Iterable[str]) -> RecordReader:
    """A reader of the records of a text that begins behind the skipped lines."""
    first_line = reading.options.skip_rows + 1
    return RecordReader(texts, reading.dialect, file=reading.content.name, encoding=reading.encoding, first_line=first_line)
