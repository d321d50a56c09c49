"""Whether the first record of a delimited text names the columns, told from how it differs from the records below it."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import polars as pl

from flowforge.medallion.dialect import Dialect
from flowforge.medallion.inference import infer_types
from flowforge.model.contract import Type

RECORDS = 100
CERTAIN, LIKELY, OPEN = 95, 75, 60
"""How sure an answer is, of 100: values of another type, names that look like names, neither."""
LIKE_A_NAME = re.compile(r"[^\W\d][\w .,/()%#&-]{0,60}")
UNTYPED = (Type.TEXT, Type.UNDETERMINED)


@dataclass(frozen=True)
class HeaderGuess:
    """``confidence`` is 0 to 100, ``reason`` a sentence for a person."""

    has_header: bool
    confidence: int
    reason: str


def first_records(text: str, dialect: Dialect) -> list[list[str]]:
    """The first records of a text as fields; fewer, and none for a delimiter of several characters, where they cannot be told."""
    if len(dialect.delimiter) != 1:
        return []
    reader = csv.reader(
        # It parts lines where a file does: at line feeds and carriage returns alone.
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape,
    )
    try:
        return list(islice(_filled(reader, dialect), RECORDS))
    except csv.Error:
        return []


def guess_header(records: Sequence[Sequence[str]]) -> HeaderGuess | None:
    """Whether the first of these records is a header; None where there are fewer than two of one width to compare."""
    width = len(records[0]) if records else 0
    first, rest = (records[0], [record for record in records[1:] if len(record) == width]) if records else ([], [])
    if not rest:
        return None
    if all(not field.strip() for field in first):
        return HeaderGuess(False, CERTAIN, "the first record is empty")
    names = [f"{number}" for number in range(width)]
    below = pl.DataFrame([list(record) for record in rest], schema=dict.fromkeys(names, pl.String), orient="row")
    types = infer_types(below.with_row_index("_row_number", offset=1).lazy(), names).types
    with_first = pl.concat([pl.DataFrame([list(first)], schema=below.schema, orient="row"), below])
    together = infer_types(with_first.with_row_index("_row_number").lazy(), names).types
    typed = [at for at, name in enumerate(names) if types[name].type not in UNTYPED and first[at].strip()]
    differing = [at for at in typed if together[names[at]] != types[names[at]]]
    if typed and len(differing) == len(typed):
        shown = differing[0]
        return HeaderGuess(True, CERTAIN, f"{first[shown]!r} stands above values of the type {types[names[shown]]}")
    if typed and not differing:
        shown = typed[0]
        return HeaderGuess(False, CERTAIN, f"{first[shown]!r} is a value like those below it")
    stripped = [field.strip() for field in first]
    if len(set(stripped)) == width and all(LIKE_A_NAME.fullmatch(field) for field in stripped):
        repeated = [field for at, field in enumerate(stripped) if field in set(below[names[at]].str.strip_chars())]
        if not repeated:
            return HeaderGuess(True, LIKELY, "every field of the first record differs from the others and looks like a name")
        return HeaderGuess(False, OPEN, f"{repeated[0]!r} stands below the first record too")
    return HeaderGuess(False, OPEN, "fields of the first record are empty, alike, or do not look like names")


def _filled(records: Iterable[list[str]], dialect: Dialect) -> Iterable[list[str]]:
    """The records that are neither blank nor comments."""
    for record in records:
        if record and not (dialect.comment and record[0].startswith(dialect.comment)):
            yield record
