"""What is wrong with a record that no pattern matches, found field by field."""

from typing import NamedTuple

from flowforge.medallion.dialect import Dialect
from flowforge.medallion.record_pattern import RecordPattern

NEVER_CLOSED = "cannot be read: a quote opens a field and is never closed; check its quotes"
LONELY_QUOTE = "cannot be read: a quote without its partner stands inside an unquoted field; check its quotes"
TEXT_AFTER_QUOTE = "cannot be read: text follows a closing quote; check its quotes"
LONELY_RETURN = "cannot be read: a carriage return stands alone; end lines with line feeds, or put the field in quotes"
LONELY_FEED = "cannot be read: a line feed stands alone where lines end in carriage returns; put the field in quotes"
LONELY_ESCAPE = "cannot be read: the file ends in an escape character"


class Complete(NamedTuple):
    """A whole record, so its number of fields is not the expected one, or a quote stands alone in one of them.

    Its text ends at ``end``, the next record begins at ``after``.
    """

    fields: int
    end: int
    after: int


class Fault(NamedTuple):
    """A record that cannot be parted into fields."""

    reason: str


def examine_record(text: str, start: int, dialect: Dialect, pattern: RecordPattern, *, ended: bool) -> Complete | Fault | None:
    """What stands at ``start``; None where more text decides. ``ended`` says that there is no more."""
    position, fields, size = start, 0, len(text)
    while True:
        is_quoted = bool(dialect.quote) and text.startswith(dialect.quote, position)
        found = (pattern.quoted if is_quoted else pattern.unquoted).match(text, position)
        if found is None:
            return Fault(NEVER_CLOSED) if ended else None
        position, fields = found.end(), fields + 1
        if text.startswith(dialect.delimiter, position):
            position += len(dialect.delimiter)
        elif position == size:
            return Complete(fields, size, size) if ended else None
        elif text.startswith(dialect.line_end, position):
            return Complete(fields, position, position + 1)
        elif text.startswith("\r\n", position) and dialect.line_end == "\n":
            return Complete(fields, position, position + len("\r\n"))
        elif not ended and size - position < len(dialect.delimiter):
            return None
        elif text[position] == "\r":
            return Fault(LONELY_RETURN) if ended or position + 1 < size else None
        elif text[position] == "\n":
            return Fault(LONELY_FEED)
        elif text[position] == dialect.escape and position + 1 == size:
            return Fault(LONELY_ESCAPE) if ended else None
        else:
            return Fault(TEXT_AFTER_QUOTE)
