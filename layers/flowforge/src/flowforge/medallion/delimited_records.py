"""A delimited text parted into its records: right for every dialect, and able to say of each bad one what is wrong with it.

A record is matched as a whole by one regular expression, without Python going through its fields. Where that fails, the fields
are gone through one by one to find the reason. After a fault in quotes, reading goes on at the next line: a quote that is never
closed costs one line, not the rest of the file.
"""

from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import NamedTuple

from flowforge.medallion.dialect import MAX_FIELD_CHARACTERS, Dialect
from flowforge.medallion.record_faults import LONELY_QUOTE, NEVER_CLOSED, Complete, Fault, examine_record
from flowforge.medallion.record_pattern import RecordPattern
from flowforge.medallion.text_decoding import MARKED
from flowforge.model.encoding import UTF_8
from flowforge.model.errors import DataFault


class Form(Enum):
    """How a record stands in the text."""

    PLAIN = auto()
    """As any reader takes it."""
    BULK = auto()
    """Several plain ones, each with its line end."""
    QUOTES_WITHIN = auto()
    """With quotes inside an unquoted field, in pairs; they are text."""
    BLANK = auto()
    """A blank line before other records."""
    MALFORMED = auto()


class Record(NamedTuple):
    """A record without its line end, the line on which it begins (1-based), and why it is malformed.

    ``records`` is more than one only in bulk.
    """

    form: Form
    text: str
    line: int
    reason: str = ""
    records: int = 1


class RecordReader:
    """Reads the records of a text one by one. Blank lines at both ends of the text, and comments, are no records."""

    def __init__(self, texts: Iterable[str], dialect: Dialect, *, file: str, encoding: str = UTF_8, first_line: int = 1) -> None:
        self._texts = iter(texts)
        self._dialect = dialect
        self._file = file
        self._encoding = encoding
        self._width: int | None = None
        self._max_characters = MAX_FIELD_CHARACTERS
        self._buffer = ""
        self._position = 0
        self._ended = False
        self._marked = False
        self.pattern = RecordPattern(dialect)
        self.line = first_line
        """The line on which the next record begins."""
        self.blank_lines_before = 0
        """How many blank lines preceded the first record."""
        self._has_begun = False

    def first(self, max_characters: int) -> Record | None:
        """The first record, of whatever width; None for a text without one. Raises DataFault where it is longer than that."""
        self._max_characters = max_characters
        while (record := self._next()) is not None:
            if record.form is not Form.BLANK:
                self._has_begun = True
                return record
            self.blank_lines_before += 1
        return None

    def records(self, width: int) -> Iterator[Record]:
        """The records from here on, which should have ``width`` fields.

        Raises DataFault for a line that is longer than a field may be.
        """
        self._width, self.pattern = width, RecordPattern(self._dialect, width)
        self._max_characters = MAX_FIELD_CHARACTERS
        blanks: list[list[int]] = []
        while (record := self._next()) is not None:
            if record.form is Form.BLANK and not self._has_begun:
                continue
            self._has_begun = True
            if record.form is Form.BLANK:
                # Neighbours are kept as a range: a file may end in millions of them, and they are no records then.
                if blanks and blanks[-1][1] == record.line:
                    blanks[-1][1] += 1
                else:
                    blanks.append([record.line, record.line + 1])
                continue
            for first, after in blanks:
                for line in range(first, after):
                    yield _blank(line, width)
            blanks.clear()
            yield record

    def has_more_text(self) -> bool:
        """Whether anything but blanks follows."""
        while not self._buffer[self._position :].strip():
            if not self._read_on():
                return False
        return True

    def _next(self) -> Record | None:
        while self._position < len(self._buffer) or self._read_on():
            if self._position == len(self._buffer) or self._skips_comment() or self._needs_more_than_a_return():
                continue
            buffer, position, pattern = self._buffer, self._position, self.pattern
            if buffer[position] in "\r\n" and (width := self._blank_line_width()):
                return self._taken(Form.BLANK, position, position + width)
            if self._width is not None and not self._marked and self._dialect.line_end == "\n":
                end = pattern.bulk.match(buffer, position).end()  # type: ignore[union-attr]  # It matches nothing, too.
                if end > position:
                    return self._taken_in_bulk(end)
            form = Form.PLAIN
            matched = (pattern.last_plain if self._ended else pattern.plain).match(buffer, position)
            if matched is None:
                form = Form.QUOTES_WITHIN
                matched = (pattern.last_loose if self._ended else pattern.loose).match(buffer, position)
                if matched and buffer.count(self._dialect.quote, position, matched.end()) % 2:
                    matched = None
            if matched:
                end = matched.start("end")
                reason = self._undecodable(position, end)
                return self._taken(Form.MALFORMED if reason else form, end, matched.end(), reason)
            record = self._malformed()
            if record is not None:
                return record
        return None

    def _malformed(self) -> Record | None:
        """The record at the present position, which no pattern matches; None where more text was needed, and was read."""
        found = examine_record(self._buffer, self._position, self._dialect, self.pattern, ended=self._ended)
        may_grow = len(self._buffer) - self._position <= self._max_characters
        if found is None and may_grow and self._read_on():
            return None
        if isinstance(found, Complete) and self._width is not None and found.fields != self._width:
            reason = self._undecodable(self._position, found.end)
            return self._taken(Form.MALFORMED, found.end, found.after, reason or f"has {found.fields} fields")
        fault = found if isinstance(found, Fault) else Fault(LONELY_QUOTE if found else NEVER_CLOSED)
        end = self._buffer.find(self._dialect.line_end, self._position)
        if end < 0 and not self._ended:
            if may_grow and self._read_on():
                return None
            raise self._too_long()
        if end < 0:
            end = len(self._buffer)
        return self._taken(Form.MALFORMED, end, end + 1, fault.reason)

    def _taken(self, form: Form, end: int, after: int, reason: str = "") -> Record:
        """The record up to ``end``; the next one begins at ``after``."""
        record = Record(form, self._buffer[self._position : end], self.line, reason)
        self.line += 1 + record.text.count(self._dialect.line_end)
        self._position = after
        return record

    def _taken_in_bulk(self, end: int) -> Record:
        text = self._buffer[self._position : end]
        quote = self._dialect.quote
        # In a plain record quotes stand around fields and are doubled in them, so every second part is outside.
        outside = "".join(text.split(quote)[::2]) if quote and quote in text else text
        record = Record(Form.BULK, text, self.line, records=outside.count("\n"))
        self.line += text.count("\n")
        self._position = end
        return record

    def _undecodable(self, start: int, end: int) -> str:
        """Why a well-formed record holds bytes that are no characters; nothing where it does not."""
        if not self._marked or not MARKED.search(self._buffer, start, end):
            return ""
        fields = self.pattern.fields(self._buffer[start:end])
        number = next(number for number, field in enumerate(fields, start=1) if MARKED.search(field.stored))
        if self._encoding == UTF_8:
            return f"is not UTF-8 in field {number}; save the file as UTF-8, or state its encoding"
        return f"holds bytes in field {number} that are no character of {self._encoding}; state the file's encoding"

    def _needs_more_than_a_return(self) -> bool:
        """Whether a carriage return was the end of what had been read, and what follows it was not known yet."""
        if self._position + 1 != len(self._buffer) or self._dialect.line_end == "\r":
            return False
        return self._buffer[self._position] == "\r" and self._read_on()

    def _blank_line_width(self) -> int:
        """How many characters a blank line at the present position takes; 0 where there is text on it."""
        if self._buffer.startswith(self._dialect.line_end, self._position):
            return 1
        return 2 if self._dialect.line_end == "\n" and self._buffer.startswith("\r\n", self._position) else 0

    def _skips_comment(self) -> bool:
        prefix = self._dialect.comment
        if prefix is None:
            return False
        while len(self._buffer) - self._position < len(prefix) and self._read_on():
            pass
        if not self._buffer.startswith(prefix, self._position):
            return False
        while (end := self._buffer.find(self._dialect.line_end, self._position)) < 0 and self._read_on():
            if len(self._buffer) - self._position > self._max_characters:
                raise self._too_long()
        self._position = len(self._buffer) if end < 0 else end + 1
        self.line += 1
        return True

    def _too_long(self) -> DataFault:
        what = "its header" if self._width is None else f"line {self.line}"
        return DataFault(
            f"{self._file}: {what} is longer than {self._max_characters >> 20} MiB; check its quotes and its line ends",
            file=self._file,
            row=0 if self._width is None else None,
        )

    def _read_on(self) -> bool:
        """Add to the buffer as much as is left of it at the least: a long record is then gone through a few times only.

        False where nothing is new: the text had ended before. Its end is news, since a record may end with it.
        """
        if self._ended:
            return False
        rest = self._buffer[self._position :]
        parts, added = [rest], 0
        while not self._ended and (not added or added < len(rest)):
            text = next(self._texts, None)
            self._ended = text is None
            parts.append(text or "")
            added += len(text or "")
        self._buffer, self._position = "".join(parts), 0
        self._marked = not self._buffer.isascii() and MARKED.search(self._buffer) is not None
        return True


def _blank(line: int, width: int) -> Record:
    """A blank line between records: an empty field where records have one, malformed otherwise."""
    if width == 1:
        return Record(Form.BLANK, "", line)
    return Record(Form.MALFORMED, "", line, "is blank, with rows after it")
