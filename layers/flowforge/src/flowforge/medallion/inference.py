"""The types of columns, established over every value.

A type is given only where every value that is not blank fits it. Text is held against candidates, which are narrowed on the
first rows; that loses none, since what does not fit there does not fit the whole column either. Typed columns of Bronze
(Parquet, JSON, Excel) keep what they carry.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flowforge.medallion.batch_casts import cast_texts, misfits
from flowforge.medallion.casts import CANONICAL_DECIMAL, blank_is_null, is_blank
from flowforge.medallion.type_candidates import CANDIDATES, likely
from flowforge.medallion.typed_casts import TEXT, carried_as, carried_type
from flowforge.model.contract import MAX_DECIMAL_PRECISION, DataType, Type

HEAD_ROWS = 200
SAMPLE_ROWS = 10_000
NEARLY = 0.95
"""The share of fitting values from which a column that stays text is reported."""
SHOWN_CHARACTERS = 40
UNDETERMINED = DataType(type=Type.UNDETERMINED)


@dataclass(frozen=True)
class Inference:
    """The type of each column, and sentences for what a person should know about the choice."""

    types: dict[str, DataType]
    notes: list[str]


def infer_types(frame: pl.LazyFrame, columns: Sequence[str]) -> Inference:
    """Infer the type of each of the columns named; ``_row_number`` of the frame names rows in the notes.

    A column without values is ``undetermined``. One whose dates fit both day first and month first stays text.
    """
    schema = frame.collect_schema()
    texts = [column for column in columns if isinstance(schema[column], pl.String)]
    carried, notes = _carried_types(frame, [column for column in columns if column not in set(texts)])
    inferred = _text_types(frame, texts)
    types = carried | inferred.types
    return Inference({column: types[column] for column in columns}, [*notes, *inferred.notes])


def _carried_types(frame: pl.LazyFrame, columns: Sequence[str]) -> tuple[dict[str, DataType], list[str]]:
    """The types that Bronze carries, and notes on those that Silver writes otherwise."""
    schema = frame.collect_schema()
    finer = _finer_than_microseconds(frame, columns)
    types = {column: TEXT if column in finer else carried_type(schema[column]) or TEXT for column in columns}
    notes = [f"{column}: {note}" for column in columns if (note := carried_as(schema[column]))]
    notes += [f"{column}: its timestamps are finer than microseconds, so it stays text" for column in finer]
    return types, notes


def _finer_than_microseconds(frame: pl.LazyFrame, columns: Sequence[str]) -> list[str]:
    """The timestamps in nanoseconds of which a value would lose something in microseconds."""
    schema = frame.collect_schema()
    in_nanoseconds = [column for column in columns if _is_in_nanoseconds(schema[column])]
    if not in_nanoseconds:
        return []
    odd = [(pl.col(column).dt.nanosecond() % 1000 != 0).any().alias(column) for column in in_nanoseconds]
    row = frame.select(odd).collect(engine="streaming").row(0, named=True)
    return [column for column in in_nanoseconds if row[column]]


def _is_in_nanoseconds(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns"


def _text_types(frame: pl.LazyFrame, columns: Sequence[str]) -> Inference:
    """The types of String columns, by their values."""
    if not columns:
        return Inference({}, [])
    head = frame.select(blank_is_null(pl.col(column)) for column in columns).head(HEAD_ROWS).collect(engine="streaming")
    wide = {column: likely(head[column].drop_nulls().to_list()) for column in columns}
    sampled = _count_fits(frame.head(SAMPLE_ROWS), wide)
    narrow = {
        column: [number for number in wide[column] if fits[number] >= NEARLY * total] for column, (total, fits) in sampled.items()
    }
    counted = _count_fits(frame, narrow)
    decimals = _decimals(frame, [column for column, (total, fits) in counted.items() if total and total not in fits.values()])
    types: dict[str, DataType] = {}
    notes: list[str] = []
    for column, (total, fits) in counted.items():
        if column in decimals:
            types[column] = decimals[column]
            continue
        types[column], note = _choose(frame, column, total, fits)
        notes.extend(note)
    return Inference(types, notes)


def _decimals(frame: pl.LazyFrame, columns: Sequence[str]) -> dict[str, DataType]:
    """Of columns that nothing else fits, those of numbers with more digits than a float keeps, and a fraction somewhere."""
    if not columns:
        return {}
    expressions = []
    for position, column in enumerate(columns):
        text = blank_is_null(pl.col(column))
        fitting = pl.when(text.str.contains(CANONICAL_DECIMAL)).then(text)
        expressions += [
            (text.count() == fitting.count()).alias(f"{position}:all"),
            fitting.str.extract(r"^-?([0-9]+)").str.len_bytes().max().alias(f"{position}:whole"),
            fitting.str.extract(r"\.([0-9]+)$").str.len_bytes().max().alias(f"{position}:scale"),
        ]
    row = frame.select(expressions).collect(engine="streaming").row(0, named=True)
    found = {}
    for position, column in enumerate(columns):
        whole, scale = row[f"{position}:whole"], row[f"{position}:scale"]
        if row[f"{position}:all"] and scale and whole + scale <= MAX_DECIMAL_PRECISION:
            found[column] = DataType(type=Type.DECIMAL, precision=MAX_DECIMAL_PRECISION, scale=scale)
    return found


def _count_fits(frame: pl.LazyFrame, candidates: dict[str, list[int]]) -> dict[str, tuple[int, dict[int, int]]]:
    """Per column the number of values that are not blank, and how many of them fit each candidate: one streaming pass."""
    expressions = []
    for position, (column, numbers) in enumerate(candidates.items()):
        text = pl.col(column)
        expressions.append((~is_blank(text)).sum().alias(f"{position}"))
        for number in numbers:
            typed = cast_texts(text, CANDIDATES[number], declared=False)
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
    kind = whole[0].type if whole else None
    forms = [candidate.format for candidate in whole if candidate.type is kind and candidate.format]
    if len(forms) > 1:
        return TEXT, [
            f"{column}: its {kind}s can be read as {' and as '.join(map(str, forms))}, so it stays text; "
            "state dataType and format in columnMappings"
        ]
    if whole:
        return whole[0], []
    nearly = max(((count, -number) for number, count in fits.items() if count >= NEARLY * total), default=None)
    if nearly is None:
        return TEXT, []
    count, candidate = nearly[0], CANDIDATES[-nearly[1]]
    odd = misfits(pl.col(column), cast_texts(pl.col(column), candidate, declared=False))
    row, value = frame.filter(odd).select("_row_number", column).head(1).collect(engine="streaming").row(0)
    return TEXT, [
        f"{column}: {total - count} of {total} values are no {candidate} (row {row}: {value[:SHOWN_CHARACTERS]!a}), so it "
        "stays text; state a dataType in columnMappings to send such rows to quarantine"
    ]
