"""The structure of a delimited text file, established apart from the reader that converts it.

polars pads short rows with nulls and tells no row number for long ones, so a file is proven rectangular here first:
outside quotes there must be ``records x (columns - 1)`` delimiters, every quote must open or close a field or be doubled,
and no carriage return may stand alone. Where that holds, polars reads the file itself, or a copy in UTF-8 where it is
compressed or of another encoding. Everything else goes record by record into a copy without the malformed ones, which stand in a
file beside it. Quotes inside an unquoted field pass where they come in pairs, which every reader takes for themselves.

The proof can be left to a thread while the engine converts the file as its start promises: both go through it at once, and
what was converted counts for nothing until the proof is there.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from flowforge.medallion.delimited_counter import TextCounter
from flowforge.medallion.delimited_header import Header, read_header
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
    return TextExamination(content, options, scratch).finish(by_records=by_records)


class TextExamination:
    """A text whose start was looked at, before the rest of it is gone through.

    Raises DataFault for an empty file or one of another format.
    """

    def __init__(self, content: FileContent, options: TextOptions, scratch: Path) -> None:
        start = first_bytes(content.open_stream(), HEAD_BYTES)
        refuse_other_formats(start, file=content.name)
        encoding = encoding_of_start(start, options.encoding, file=content.name)
        self._is_open = options.encoding is None and encoding_of_mark(start) is None
        if self._is_open and not is_utf8([start], is_whole=False):
            self._is_open, encoding = False, encoding_of_other_text(content.open_stream)
        self._start = start
        self._reading = _reading(content, options, start, encoding, scratch)
        self._is_provable = self._reading.dialect.is_of_the_engine and not options.skip_footer_rows
        self._proof: Future[DelimitedText | None] | None = None

    def promised(self) -> DelimitedText | None:
        """The text as its start promises it, all but the number of its records, which is 0: the engine reads it where it lies.

        None where it would be read otherwise for what is known now, or for blank lines that may follow the last record.
        Raises DataFault for a header that cannot be read.
        """
        if not self._is_provable or not self._reading.is_read_where_it_lies:
            return None
        header = read_header(self._reading)
        if header.begins_with_mark:
            return None
        return _text(self._reading, header, records=0, path=None, trailing_blank_lines=0)

    @contextmanager
    def proving(self) -> Iterator[None]:
        """Let a thread go through the file meanwhile, until ``finish`` has its answer or the block ends."""
        given_up = threading.Event()
        with ThreadPoolExecutor(1, thread_name_prefix="proof") as pool:
            self._proof = pool.submit(_rectangular, self._reading, given_up)
            try:
                yield
            finally:
                given_up.set()

    def finish(self, *, by_records: bool = False) -> DelimitedText:
        """Establish the rest; see ``examine_text``."""
        reading, text, encoding = self._reading, None, self._reading.encoding
        content, is_proof_tried = reading.content, self._is_provable and not by_records
        try:
            if is_proof_tried:
                text = self._proof.result() if self._proof is not None else _rectangular(reading)
            elif self._is_open and not is_utf8(content.open_stream()):
                encoding = encoding_of_other_text(content.open_stream)
        except UnicodeDecodeError:
            encoding = encoding_of_other_text(content.open_stream) if self._is_open else encoding
        if encoding != reading.encoding:
            reading = _reading(content, reading.options, self._start, encoding, reading.scratch)
            text = _rectangular_or_none(reading) if is_proof_tried else None
        if text is None:
            (reading.scratch / COPY).unlink(missing_ok=True)
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


def _rectangular(reading: TextReading, given_up: threading.Event | None = None) -> DelimitedText | None:
    """The answer for a file that the counts prove rectangular, or None. Raises UnicodeDecodeError where it is not UTF-8.

    It is worth nothing, and nobody waits for it, once it was given up.
    """
    options, dialect = reading.options, reading.dialect
    header = read_header(reading)
    copy = None if reading.is_read_where_it_lies else reading.scratch / COPY
    counter = TextCounter(dialect.delimiter.encode(), dialect.quote.encode())
    chunks = without_first_lines(without_mark(_utf8(reading, copy)), options.skip_rows, b"\n")
    for chunk in takewhile(lambda _: given_up is None or not given_up.is_set(), chunks):
        counter.feed(chunk)
    counter.finish()
    blank = max(0, counter.closing_line_ends - 1)
    lines = counter.lines + counter.ends_open - blank - header.blank_lines
    # polars takes a byte order mark for one wherever it begins to read.
    if header.begins_with_mark or not counter.is_certain or counter.delimiters != lines * (len(header.columns) - 1):
        return None
    return _text(reading, header, records=lines - options.has_header, path=copy, trailing_blank_lines=blank)


def _text(reading: TextReading, header: Header, *, records: int, path: Path | None, trailing_blank_lines: int) -> DelimitedText:
    options, dialect = reading.options, reading.dialect
    return DelimitedText(
        name=reading.content.name,
        columns=header.columns,
        records=records,
        view=EngineView(
            path=path,
            delimiter=dialect.delimiter,
            quote=dialect.quote,
            has_header=options.has_header,
            # Without a header polars takes the width from the very first line, which may be blank.
            skip_lines=options.skip_rows + (0 if options.has_header else header.blank_lines),
            trailing_blank_lines=trailing_blank_lines,
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
