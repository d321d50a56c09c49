"""The types of text columns, established over every value.

A type is given only where every value that is not blank fits it. Candidates are narrowed on the first rows, which
loses none: what does not fit there does not fit the whole column either.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flowforge.medallion.casts import blank_is_null, cast, misfit
from flowforge.model.contract import DataType, Type

SAMPLE_ROWS = 10_000
NEARLY = 0.95
"""The share of fitting values from which a column that stays text is reported."""
SHOWN_CHARACTERS = 40

CANDIDATES = (
    DataType(type=Type.BOOLEAN),
    DataType(type=Type.INTEGER),
    DataType(type=Type.FLOAT),
    *(
        DataType(type=Type.DATE, format=form)
        for form in ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y")
    ),
    *(
        DataType(type=Type.TIMESTAMP, format=form)
        for form in (
            "%Y-%m-%dT%H:%M:%S%.f%#z",
            "%Y-%m-%d %H:%M:%S%.f%#z",
            "%Y-%m-%dT%H:%M:%S%.f",
            "%Y-%m-%d %H:%M:%S%.f",
            "%Y-%m-%dT%H:%M",
            "%Y-%m-%d %H:%M",
        )
    ),
)
"""In order of preference."""

TEXT = DataType(type=Type.TEXT)
UNDETERMINED = DataType(type=Type.UNDETERMINED)


@dataclass(frozen=True)
class Inference:
    """The type of each column, and sentences for what a person should know about the choice."""

    types: dict[str, DataType]
    notes: list[str]


def infer_types(frame: pl.LazyFrame, columns: Sequence[str]) -> Inference:
    """Infer the type of each of the String columns named; ``_row_number`` of the frame names rows in the notes.

    A column without values is ``undetermined``. One whose dates fit both day first and month first stays text.
    """
    if not columns:
        return Inference({}, [])
    wide = {column: list(range(len(CANDIDATES))) for column in columns}
    sampled = _count_fits(frame.head(SAMPLE_ROWS), wide)
    narrow = {
        column: [number for number in wide[column] if fits[number] >= NEARLY * total] for column, (total, fits) in sampled.items()
    }
    types: dict[str, DataType] = {}
    notes: list[str] = []
    for column, (total, fits) in _count_fits(frame, narrow).items():
        types[column], note = _choose(frame, column, total, fits)
        notes.extend(note)
    return Inference(types, notes)


def _count_fits(frame: pl.LazyFrame, candidates: dict[str, list[int]]) -> dict[str, tuple[int, dict[int, int]]]:
    """Per column the number of values that are not blank, and how many of them fit each candidate: one streaming pass."""
    expressions = []
    for position, (column, numbers) in enumerate(candidates.items()):
        text = pl.col(column)
        expressions.append(blank_is_null(text).count().alias(f"{position}"))
        for number in numbers:
            typed = cast(text, CANDIDATES[number], declared=False)
            expressions.append(typed.count().alias(f"{position}:{number}"))
    row = frame.select(expressions).collect(engine="streaming").row(0, named=True)
    return {
        column: (row[f"{position}"], {number: row[f"{position}:{number}"] for number in numbers})
        for position, (column, numbers) in enumerate(candidates.items())
    }


def _choose(frame: pl.LazyFrame, column: str, total: int, fits: dict[int, int]) -> tuple[DataType, list[str]]:
    if total == 0:
        return UNDETERMINED, []
    whole = [CANDIDATES[number] for number, count in fits.items() if count == total]
    dates = [candidate.format for candidate in whole if candidate.type is Type.DATE]
    if len(dates) > 1:
        return TEXT, [
            f"{column}: its dates can be read as {' and as '.join(map(str, dates))}, so it stays text; "
            "state dataType and format in columnMappings"
        ]
    if whole:
        return whole[0], []
    nearly = max(((count, -number) for number, count in fits.items() if count >= NEARLY * total), default=None)
    if nearly is None:
        return TEXT, []
    count, candidate = nearly[0], CANDIDATES[-nearly[1]]
    odd = misfit(pl.col(column), cast(pl.col(column), candidate, declared=False))
    row, value = frame.filter(odd).select("_row_number", column).head(1).collect(engine="streaming").row(0)
    return TEXT, [
        f"{column}: {total - count} of {total} values are no {candidate} (row {row}: {value[:SHOWN_CHARACTERS]!a}), so it "
        "stays text; state a dataType in columnMappings to send such rows to quarantine"
    ]
