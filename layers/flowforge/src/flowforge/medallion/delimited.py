"""The structure of a delimited text file, established apart from the reader that converts it.

polars pads short rows with nulls and tells no row number for long ones, so a file is proven rectangular here first:
outside quotes there must be ``records x (columns - 1)`` delimiters, every quote must open or close a field or be doubled,
and no carriage return may stand alone. Where that holds, polars reads the file itself, or a copy in UTF-8 where it is
compressed or of another encoding. Everything else goes record by record into a copy without the malformed ones, which stand in a
file beside it. Quotes inside an unquoted field pass where they come in pairs, which every reader takes for themselves.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from flowforge.medallion.delimited_counter import TextCounter
from flowforge.medallion.delimited_header import read_header
from flowforge.medallion.delimited_rewriting import rewrite
from flowforge.medallion.delimited_text import DelimitedText, EngineView, TextReading
from flowforge.medallion.dialect import dialect_of
from flowforge.medallion.file_signatures import refuse_other_formats
from flowforge.medallion.file_stream import first_bytes
from flowforge.medallion.scratch_file import ScratchFile
from flowforge.medallion.stored_file import FileContent
from flowforge.medallion.text_decoding import (
    as_utf8,
    decoded,
    encoding_of_other_text,
    encoding_of_start,
    is_utf8,
    without_mark,
)
from flowforge.medallion.text_lines import without_first_lines
from flowforge.model.encoding import UTF_8, encoding_of_mark
from flowforge.model.text_options import TextOptions

HEAD_BYTES = 1 << 20
"""What delimiter and line ends are detected from."""
COPY = "copy.csv"


def examine_text(content: FileContent, options: TextOptions, *, scratch: Path, by_records: bool = False) -> DelimitedText:
    """Establish the columns and the number of records of a delimited text; copies of it go to the empty folder ``scratch``.

    ``by_records`` leaves out the fast proof, for a file that passed it and that polars refused all the same.

    Raises DataFault for an empty file, one of another format, a header that cannot be read and, unless they go to quarantine, a
    record that is malformed; the message names its row (1-based record of the file) and line. Raises NextTier where a copy
    does not fit the disk.
    """
    start = first_bytes(content.open_stream(), HEAD_BYTES)
    refuse_other_formats(start, file=content.name)
    encoding = encoding_of_start(start, options.encoding, file=content.name)
    is_open = options.encoding is None and encoding_of_mark(start) is None
    if is_open and not is_utf8([start], is_whole=False):
        is_open, encoding = False, encoding_of_other_text(content.open_stream)
    reading = _reading(content, options, start, encoding, scratch)
    is_proof_tried = reading.dialect.is_of_the_engine and not options.skip_footer_rows and not by_records
    text = None
    try:
        if is_proof_tried:
            text = _rectangular(reading)
        elif is_open and not is_utf8(content.open_stream()):
            encoding = encoding_of_other_text(content.open_stream)
    except UnicodeDecodeError:
        encoding = encoding_of_other_text(content.open_stream) if is_open else encoding
    if encoding != reading.encoding:
        reading = _reading(content, options, start, encoding, scratch)
        text = _rectangular_or_none(reading) if is_proof_tried else None
    if text is None:
        (scratch / COPY).unlink(missing_ok=True)
        text = rewrite(reading)
    return replace(text, dialect=reading.dialect, encoding=reading.encoding, notes=_notes(reading))


def _reading(content: FileContent, options: TextOptions, start: bytes, encoding: str, scratch: Path) -> TextReading:
    dialect = dialect_of(options, "".join(decoded([start], encoding)), file=content.content_name)
    return TextReading(content, options, dialect, encoding, scratch)


def _rectangular_or_none(reading: TextReading) -> DelimitedText | None:
    try:
        return _rectangular(reading)
    except UnicodeDecodeError:
        return None


def _rectangular(reading: TextReading) -> DelimitedText | None:
    """The answer for a file that the counts prove rectangular, or None. Raises UnicodeDecodeError where it is not UTF-8."""
    content, options, dialect = reading.content, reading.options, reading.dialect
    header = read_header(reading)
    copy = None if content.is_stored_as_it_is and reading.encoding == UTF_8 else reading.scratch / COPY
    counter = TextCounter(dialect.delimiter.encode(), dialect.quote.encode())
    for chunk in without_first_lines(without_mark(_utf8(reading, copy)), options.skip_rows, b"\n"):
        counter.feed(chunk)
    counter.finish()
    blank = max(0, counter.closing_line_ends - 1)
    lines = counter.lines + counter.ends_open - blank - header.blank_lines
    # polars takes a byte order mark for one wherever it begins to read.
    if header.begins_with_mark or not counter.is_certain or counter.delimiters != lines * (len(header.columns) - 1):
        return None
    return DelimitedText(
        name=content.name,
        columns=header.columns,
        records=lines - options.has_header,
        view=EngineView(
            path=copy,
            delimiter=dialect.delimiter,
            quote=dialect.quote,
            has_header=options.has_header,
            # Without a header polars takes the width from the very first line, which may be blank.
            skip_lines=options.skip_rows + (0 if options.has_header else header.blank_lines),
            trailing_blank_lines=blank,
        ),
    )


def _utf8(reading: TextReading, copy: Path | None) -> Iterator[bytes]:
    """The text as UTF-8, written to ``copy`` on its way where that is given."""
    stream = reading.content.open_stream()
    chunks = iter(stream) if reading.encoding == UTF_8 else as_utf8(decoded(stream, reading.encoding))
    if copy is None:
        yield from chunks
        return
    with ScratchFile(copy) as file:
        for chunk in chunks:
            file.write(chunk)
            yield chunk


def _notes(reading: TextReading) -> tuple[str, ...]:
    """What was detected and is not what a person would take for granted."""
    options, dialect, name = reading.options, reading.dialect, reading.content.name
    notes = []
    if options.encoding is None and reading.encoding != UTF_8:
        notes.append(f"encoding {reading.encoding}")
    if options.delimiter is None and dialect.delimiter != ",":
        notes.append(f"delimiter {dialect.delimiter!r}")
    if dialect.line_end == "\r":
        notes.append("lines that end in a carriage return alone")
    if not reading.content.is_stored_as_it_is and options.compression_type is None:
        notes.append(f"{reading.content.compression.value} compression")
    return (f"{name}: read with {', '.join(notes)}, as its content shows",) if notes else ()
