"""A delimited text written anew, record by record, in signs that polars reads; malformed records go to a file of their own."""

import csv
import io
from pathlib import Path
from typing import Self

from flowforge.medallion.delimited_header import MAX_HEADER_CHARACTERS, read_header, record_reader
from flowforge.medallion.delimited_records import Form, Record
from flowforge.medallion.delimited_text import DelimitedText, EngineView, TextReading
from flowforge.medallion.dialect import Dialect
from flowforge.medallion.record_pattern import Field
from flowforge.medallion.scratch_file import ScratchFile
from flowforge.medallion.text_decoding import shown
from flowforge.medallion.text_lines import without_last_lines
from flowforge.model.errors import DataFault
from flowforge.model.text_options import OnMalformedRow, TextOptions

SHOWN_CHARACTERS = 80
BATCH_CHARACTERS = 1 << 20
ENGINE = Dialect()
"""The signs in which fields are written that polars would not take as they stand."""


def rewrite(reading: TextReading) -> DelimitedText:
    """Go through a text record by record, and write it anew with each record's number before its fields.

    Raises DataFault for a header that cannot be read and, unless they go to quarantine or where there are too many, malformed
    records. Raises NextTier where the copy does not fit the disk.
    """
    options, dialect = reading.options, reading.dialect
    columns = read_header(reading).columns
    reader = record_reader(reading, without_last_lines(reading.texts(), options.skip_footer_rows, dialect.line_end))
    if options.has_header:
        reader.first(MAX_HEADER_CHARACTERS)
    signs = dialect if dialect.has_signs_of_the_engine else ENGINE
    number = 0
    with _RowFile(reading.scratch / "records.csv") as rows, _MalformedRecords(reading, len(columns)) as malformed:
        for number, record in enumerate(reader.records(len(columns)), start=1):
            if record.form is Form.MALFORMED:
                malformed.append(number, record)
                continue
            row = record.text
            if signs is not dialect or record.form is Form.QUOTES_WITHIN:
                row = signs.delimiter.join(_stored(field, signs, options) for field in reader.pattern.fields(row))
            rows.add(f"{number}{signs.delimiter}{row}\n")
    return DelimitedText(
        name=reading.content.name,
        columns=columns,
        records=number,
        view=EngineView(path=rows.path, delimiter=signs.delimiter, quote=signs.quote, is_numbered=True),
        malformed=malformed.count,
        malformed_path=malformed.path if malformed.count else None,
    )


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
        self.count = 0

    def append(self, number: int, record: Record) -> None:
        """Keep a malformed record. Raises DataFault where the job wants none, or not so many."""
        self.count += 1
        reason = record.reason + self._expected if record.reason.startswith("has ") else record.reason
        most = self._options.max_malformed_rows
        if self._options.on_malformed_row is OnMalformedRow.FAIL or (most is not None and self.count > most):
            text = f": {record.text[:SHOWN_CHARACTERS]!a}"[: SHOWN_CHARACTERS + 2]
            too_many = (
                f"; {most} malformed records are allowed (maxMalformedRows), and this is one more" if most is not None else ""
            )
            raise DataFault(
                f"{self._name}: row {number} (line {record.line}) {reason}{text}{too_many}", file=self._name, row=number
            )
        row = io.StringIO(newline="")
        csv.writer(row, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow((number, record.line, reason, shown(record.text)))
        self.add(row.getvalue())
