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
    of the text for one. ``loose`` lets quotes stand inside an unquoted field. ``bulk`` matches plain records one after the
    other, up to one that is blank, a comment or has an escape in it; it is for lines that end in line feeds.
    """

    def __init__(self, dialect: Dialect, width: int | None = None) -> None:
        self._dialect = dialect
        signs = _Signs(dialect)
        times = "*+" if width is None else f"{{{width - 1}}}"
        line_end = r"\r?\n" if dialect.line_end == "\n" else r"\r"

        def record(field: str, end: str) -> str:
            return f"{field}(?:{signs.delimiter}{field}){times}(?P<end>{end})"

        plain, loose = f"(?:{signs.quoted()}|{signs.unquoted(signs.quote)})", f"(?:{signs.quoted()}|{signs.with_quotes_within})"
        self.plain, self.last_plain = _compiled(record(plain, line_end)), _compiled(record(plain, rf"{line_end}|\Z"))
        self.loose, self.last_loose = _compiled(record(loose, line_end)), _compiled(record(loose, rf"{line_end}|\Z"))
        simple = f"(?:{signs.quoted(escapes=False)}|{signs.unquoted(signs.quote, escapes=False)})"
        start = rf"(?!\r?\n|{re.escape(dialect.comment)})" if dialect.comment else r"(?!\r?\n)"
        self.bulk = _compiled(rf"(?:{start}{simple}(?:{signs.delimiter}{simple}){times}\r?\n)*+")
        self.quoted, self.unquoted = _compiled(signs.quoted()), _compiled(signs.with_quotes_within)
        # A doubled quote and an escaped one can touch, so both are undone in one pass from the left.
        self._escaped = _compiled(f"{signs.escape}.")
        self._signs = _compiled(f"{signs.escape}.|{signs.quote}{signs.quote}")

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


class _Signs:
    """A dialect's signs as they stand in regular expressions, and those of one field."""

    def __init__(self, dialect: Dialect) -> None:
        self.quote, self.delimiter, self.escape = map(re.escape, (dialect.quote, dialect.delimiter, dialect.escape or ""))
        self._is_one_character = len(dialect.delimiter) == 1

    def quoted(self, *, escapes: bool = True) -> str:
        """A field in quotes, in which a doubled quote, or what follows an escape, is text."""
        if not self.quote:
            return "(?!)"
        text = f"[^{self.quote}{self.escape}]*+"
        doubled = self.quote * 2
        within = f"(?:{doubled}|{self.escape}.)" if self.escape and escapes else doubled
        return f"{self.quote}{text}(?:{within}{text})*+{self.quote}"

    def unquoted(self, stop: str = "", *, escapes: bool = True) -> str:
        """Text up to a delimiter, a line end or ``stop``."""
        excluded = rf"{self.escape}{stop}\r\n"
        text = f"[^{self.delimiter}{excluded}]" if self._is_one_character else f"(?:(?!{self.delimiter})[^{excluded}])"
        return f"(?:{text}|{self.escape}.)*+" if self.escape and escapes else f"{text}*+"

    @property
    def with_quotes_within(self) -> str:
        """Text up to a delimiter or a line end that begins with no quote."""
        return (f"(?!{self.quote})" if self.quote else "") + self.unquoted()


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


def _second(found: re.Match[str]) -> str:
    """What an escape, or the first of two quotes, stands before."""
    return found[0][1:]
