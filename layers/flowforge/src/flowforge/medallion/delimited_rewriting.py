"""A delimited text written anew, record by record, in signs that polars reads; malformed records go to a file of their own."""

import csv
import io
from array import array
from dataclasses import replace
from pathlib import Path
from typing import Self

from flowforge.medallion.delimited_header import MAX_HEADER_CHARACTERS, read_header, record_reader
from flowforge.medallion.delimited_records import Form, Record
from flowforge.medallion.delimited_text import DelimitedText, EngineView, TextReading
from flowforge.medallion.dialect import Dialect
from flowforge.medallion.record_pattern import Field, RecordPattern
from flowforge.medallion.scratch_file import ScratchFile
from flowforge.medallion.text_decoding import shown
from flowforge.medallion.text_lines import without_last_lines
from flowforge.model.errors import DataFault
from flowforge.model.text_options import OnMalformedRow, TextOptions

SHOWN_CHARACTERS = 80
BATCH_CHARACTERS = 1 << 20
MOST_MALFORMED = 10_000_000
"""Their numbers are kept in memory. A file with more of them is no table."""


def rewrite(reading: TextReading) -> DelimitedText:
    """Go through a text record by record, and write it anew without the malformed ones, below a line for a header.

    Raises DataFault for a header that cannot be read and, unless they go to quarantine or where there are too many, malformed
    records. Raises NextTier where the copy does not fit the disk.
    """
    options, dialect = reading.options, reading.dialect
    columns = read_header(reading).columns
    reader = record_reader(reading, without_last_lines(reading.texts(), options.skip_footer_rows, dialect.line_end))
    if options.has_header:
        reader.first(MAX_HEADER_CHARACTERS)
    signs = dialect.signs_of_the_engine
    number = 0
    with _RowFile(reading.scratch / "records.csv") as rows, _MalformedRecords(reading, len(columns)) as malformed:
        # The names mean nothing: with a header polars takes blank lines and byte order marks behind it for what they are.
        name = next(letter for letter in "abc" if letter not in signs.delimiter + signs.quote)
        rows.add(signs.delimiter.join([name] * len(columns)) + "\n")
        for record in reader.records(len(columns)):
            number += record.records
            if record.form is Form.MALFORMED:
                malformed.append(number, record)
            elif record.form is Form.BULK:
                rows.add(_in_bulk(record.text, dialect, signs) or _one_by_one(record.text, reader.pattern, signs, options))
            elif record.form is Form.QUOTES_WITHIN or signs != replace(dialect, comment=None, line_end="\n"):
                rows.add(_rewritten(record.text, reader.pattern, signs, options))
            else:
                rows.add(record.text + "\n")
    return DelimitedText(
        name=reading.content.name,
        columns=columns,
        records=number,
        view=EngineView(path=rows.path, delimiter=signs.delimiter, quote=signs.quote, has_header=True),
        by_records=True,
        malformed_numbers=malformed.numbers,
        malformed_path=malformed.path if malformed.numbers else None,
    )


def _in_bulk(text: str, dialect: Dialect, signs: Dialect) -> str | None:
    """Plain records in the engine's signs, or None where that needs a look at each of their fields."""
    if (dialect.delimiter, dialect.quote) == (signs.delimiter, signs.quote):
        return text
    quotes = {signs.quote, dialect.quote} - {""} if signs.quote != dialect.quote else ()
    if signs.delimiter in text or any(quote in text for quote in quotes):
        return None
    if not signs.quote or signs.quote not in text:
        return text.replace(dialect.delimiter, signs.delimiter)
    parts = text.split(signs.quote)
    parts[::2] = [part.replace(dialect.delimiter, signs.delimiter) for part in parts[::2]]
    return signs.quote.join(parts)


def _one_by_one(text: str, pattern: RecordPattern, signs: Dialect, options: TextOptions) -> str:
    records = (text[found.start() : found.start("end")] for found in pattern.plain.finditer(text))
    return "".join(_rewritten(record, pattern, signs, options) for record in records)


def _rewritten(record: str, pattern: RecordPattern, signs: Dialect, options: TextOptions) -> str:
    """A record in the engine's signs."""
    return signs.delimiter.join(_stored(field, signs, options) for field in pattern.fields(record)) + "\n"


def _stored(field: Field, signs: Dialect, options: TextOptions) -> str:
    """A field in the engine's signs: an empty one stays null or an empty text, as its quotes said."""
    if not field.quoted and field.stored in options.null_values:
        return ""
    text = field.text
    if field.quoted or any(sign in text for sign in (signs.delimiter, signs.quote, "\r", "\n")):
        return f"{signs.quote}{text.replace(signs.quote, signs.quote * 2)}{signs.quote}"
    return text


class _RowFile:
    """A file of text rows in UTF-8, written in large pieces."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = ScratchFile(path)
        self._rows: list[str] = []
        self._characters = 0

    def add(self, row: str) -> None:
        """Write a row, sooner or later."""
        self._rows.append(row)
        self._characters += len(row)
        if self._characters >= BATCH_CHARACTERS:
            self._flush()

    def _flush(self) -> None:
        self._file.write("".join(self._rows).encode())
        self._rows.clear()
        self._characters = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()


class _MalformedRecords(_RowFile):
    """The malformed records of a text: number, line, reason and the record as it stood there. Refuses them, or too many."""

    def __init__(self, reading: TextReading, width: int) -> None:
        super().__init__(reading.scratch / "malformed.csv")
        self._name = reading.content.name
        self._options = reading.options
        self._expected = f", {'the header' if reading.options.has_header else 'the first row'} has {width}"
        self.numbers = array("q")

    def append(self, number: int, record: Record) -> None:
        """Keep a malformed record. Raises DataFault where the job wants none, or not so many."""
        self.numbers.append(number)
        reason = record.reason + self._expected if record.reason.startswith("has ") else record.reason
        most = 0
        if self._options.on_malformed_row is OnMalformedRow.QUARANTINE:
            most = MOST_MALFORMED if self._options.max_malformed_rows is None else self._options.max_malformed_rows
        if len(self.numbers) > most:
            text = ascii(record.text[:SHOWN_CHARACTERS])[:SHOWN_CHARACTERS]
            told = f"{self._name}: row {number} (line {record.line}) {reason}: {text}"
            told += f"; more than {most:,} records are malformed (maxMalformedRows)" if most else ""
            raise DataFault(told, file=self._name, row=number)
        row = io.StringIO(newline="")
        csv.writer(row, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow((number, record.line, reason, shown(record.text)))
        self.add(row.getvalue())
