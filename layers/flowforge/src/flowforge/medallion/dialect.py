"""How the fields of a delimited text are told apart: given by the job, detected where it says nothing."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from flowforge.model.text_options import TextOptions

CANDIDATES = (",", ";", "\t", "|")
UNIT_SEPARATOR = "\x1f"
"""What ASCII has for the purpose, and so hardly ever text."""
SAMPLE_RECORDS = 1000
MAX_FIELD_CHARACTERS = 64 << 20
"""What a quote that is never closed may swallow before it is given up."""


@dataclass(frozen=True)
class Dialect:
    """The signs of a delimited text. ``quote`` is empty where quotes are text; ``line_end`` is a line feed, or a lone carriage

    return, with which old Macintosh programs end lines.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    comment: str | None = None
    line_end: str = "\n"

    @property
    def is_of_the_engine(self) -> bool:
        """Whether polars takes a text as it stands: signs of one byte, doubled quotes, no comments, line feeds."""
        return self.signs_of_the_engine == self

    @property
    def signs_of_the_engine(self) -> "Dialect":
        """The nearest dialect that polars reads. A control character stands for a delimiter that is not of one byte."""
        delimiter = self.delimiter if len(self.delimiter) == 1 and self.delimiter.isascii() else UNIT_SEPARATOR
        is_kept = self.quote.isascii() and (bool(self.quote) or delimiter == self.delimiter)
        return Dialect(delimiter, self.quote if is_kept else '"')


COMMON = Dialect()
"""Commas, and fields in double quotes (RFC 4180)."""


def dialect_of(options: TextOptions, start: str, *, file: str) -> Dialect:
    """The dialect that a job states, with what it leaves open detected from the start of the text."""
    line_end = _line_end(start)
    lines = start.split(line_end)[options.skip_rows :]
    if options.comment_prefix:
        lines = [line for line in lines if not line.startswith(options.comment_prefix)]
    return Dialect(
        delimiter=options.delimiter or _delimiter(lines, options, file=file),
        quote=options.quote_character,
        escape=options.escape,
        comment=options.comment_prefix,
        line_end=line_end,
    )


def _line_end(start: str) -> str:
    """A carriage return where lines end in that alone: no line feed comes near."""
    return "\r" if "\n" not in start and "\r" in start else "\n"


def _delimiter(lines: list[str], options: TextOptions, *, file: str) -> str:
    """The candidate by which most records have as many fields as the first, then the one that gives the most fields.

    A comma where no candidate parts the first record. A tab comes first for a ``.tsv`` file.
    """
    preferred = sorted(CANDIDATES, key=lambda sign: sign != "\t") if ".tsv" in file.lower() else CANDIDATES
    best, best_score = ",", (0.0, 1)
    for sign in preferred:
        if sign == options.quote_character or sign == options.escape:
            continue
        widths = list(islice(_widths(lines, sign, options), SAMPLE_RECORDS))
        if not widths or widths[0] == 1:
            continue
        score = (widths.count(widths[0]) / len(widths), widths[0])
        if score > best_score:
            best, best_score = sign, score
    return best


def _widths(lines: list[str], delimiter: str, options: TextOptions) -> Iterator[int]:
    """The number of fields of each record that is not blank; the last line may be cut off and is left out where others are."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    whole = lines[:-1] if len(lines) > 2 else lines
    reader = csv.reader(
        (line.rstrip("\r") + "\n" for line in whole),
        delimiter=delimiter,
        quotechar=options.quote_character or None,
        quoting=csv.QUOTE_MINIMAL if options.quote_character else csv.QUOTE_NONE,
        escapechar=options.escape,
    )
    try:
        yield from (len(fields) for fields in reader if fields)
    except csv.Error:
        return
