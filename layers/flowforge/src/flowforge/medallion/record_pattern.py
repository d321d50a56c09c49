"""The grammar of a record of delimited text as regular expressions (RFC 4180, section 2, with a dialect's signs).

Every repetition is possessive, so a text that does not match is given up in one pass over it.
"""

import re
from typing import NamedTuple

from flowforge.medallion.dialect import Dialect


class Field(NamedTuple):
    """A field's text, without quotes and escapes, and whether it stood in quotes. ``stored`` is its text as it stands there."""

    text: str
    quoted: bool
    stored: str


class RecordPattern:
    """Matches records of ``width`` fields, of any width without one, and parts records into fields.

    The matches' group ``end`` is the line end. ``plain`` and ``loose`` need one, ``last_plain`` and ``last_loose`` take the end
    of the text for one. ``loose`` lets quotes stand inside an unquoted field.
    """

    def __init__(self, dialect: Dialect, width: int | None = None) -> None:
        self._dialect = dialect
        quote, delimiter, escape = (re.escape(sign) for sign in (dialect.quote, dialect.delimiter, dialect.escape or ""))
        quoted = _quoted(quote, escape) if quote else "(?!)"
        unquoted = _unquoted(delimiter, len(dialect.delimiter), escape, stop=quote)
        within = f"(?!{quote})" if quote else ""
        within += _unquoted(delimiter, len(dialect.delimiter), escape)
        times = "*+" if width is None else f"{{{width - 1}}}"
        line_end = r"\r?\n" if dialect.line_end == "\n" else r"\r"

        def record(field: str, end: str) -> re.Pattern[str]:
            return re.compile(f"{field}(?:{delimiter}{field}){times}(?P<end>{end})", re.DOTALL)

        plain, loose = f"(?:{quoted}|{unquoted})", f"(?:{quoted}|{within})"
        self.plain, self.last_plain = record(plain, line_end), record(plain, rf"{line_end}|\Z")
        self.loose, self.last_loose = record(loose, line_end), record(loose, rf"{line_end}|\Z")
        self.quoted = re.compile(quoted, re.DOTALL)
        self.unquoted = re.compile(within, re.DOTALL)
        # A doubled quote and an escaped one can touch, so both are undone in one pass from the left.
        self._escaped = re.compile(f"{escape}.", re.DOTALL)
        self._signs = re.compile(f"{escape}.|{quote}{quote}", re.DOTALL)

    def fields(self, record: str) -> list[Field]:
        """The fields of a record that ``loose`` matched, given without its line end."""
        fields, position = [], 0
        while True:
            field = self.field_at(record, position)
            fields.append(field)
            position += len(field.stored) + len(self._dialect.delimiter)
            if position > len(record):
                return fields

    def field_at(self, record: str, position: int) -> Field:
        """The field that begins at a position."""
        if self._dialect.quote and (found := self.quoted.match(record, position)):
            return Field(self._without_signs(found[0][1:-1]), True, found[0])
        found = self.unquoted.match(record, position)
        stored = found[0] if found else ""
        return Field(self._escaped.sub(_second, stored) if self._dialect.escape else stored, False, stored)

    def _without_signs(self, text: str) -> str:
        """The text of a field in quotes with every escape and every doubled quote undone."""
        quote = self._dialect.quote
        return self._signs.sub(_second, text) if self._dialect.escape else text.replace(quote * 2, quote)


def _second(found: re.Match[str]) -> str:
    """What an escape, or the first of two quotes, stands before."""
    return found[0][1:]


def _quoted(quote: str, escape: str) -> str:
    """A field in quotes, where a doubled quote, or what follows an escape, is text."""
    text = f"[^{quote}{escape}]*+"
    within = f"(?:{quote}{quote}|{escape}.)" if escape else f"{quote}{quote}"
    return f"{quote}{text}(?:{within}{text})*+{quote}"


def _unquoted(delimiter: str, delimiter_characters: int, escape: str, *, stop: str = "") -> str:
    """Text up to a delimiter, a line end or ``stop``."""
    excluded = rf"{escape}{stop}\r\n"
    text = f"[^{delimiter}{excluded}]" if delimiter_characters == 1 else f"(?:(?!{delimiter})[^{excluded}])"
    return f"(?:{text}|{escape}.)*+" if escape else f"{text}*+"
