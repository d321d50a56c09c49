"""The values of an answer: Athena gives every one as text, with the type beside it."""

from collections.abc import Iterable, Sequence

import polars as pl

from flowforge.lake.athena import ResultColumn, Row

INTEGERS = ("tinyint", "smallint", "integer", "int", "bigint")
FLOATS = ("float", "real", "double")
NUMBERS = (*INTEGERS, *FLOATS, "decimal")
MAX_DECIMAL_DIGITS = 38
_POLARS: dict[str, pl.DataType] = {
    **dict.fromkeys(INTEGERS, pl.Int64()),
    **dict.fromkeys(FLOATS, pl.Float64()),
}


def python_value(athena: str, text: str | None) -> str | int | float | bool | None:
    """The value as JSON holds it: integers and floats as numbers, booleans, null; everything else as its text.

    A decimal stays text, because a reader of JSON would make a float of it.
    """
    if text is None or athena not in (*INTEGERS, *FLOATS, "boolean"):
        return text
    if athena == "boolean":
        return text == "true"
    number = int(text) if athena in INTEGERS else float(text)
    # JSON has no word for these.
    return number if abs(number) < float("inf") else text


def typed_frame(columns: Sequence[ResultColumn], rows: Iterable[Row]) -> pl.DataFrame:
    """The rows in the types of their columns; what polars reads no value of (arrays, maps, intervals) stays text."""
    names = [f"c{number}" for number in range(len(columns))]
    texts = pl.DataFrame(list(rows), schema=dict.fromkeys(names, pl.String), orient="row")
    series = [_typed(texts[name], column.type).alias(name) for name, column in zip(names, columns, strict=True)]
    frame = pl.DataFrame(series)
    frame.columns = [column.name for column in columns]
    return frame


def _typed(texts: pl.Series, athena: str) -> pl.Series:
    if athena == "boolean":
        return texts == "true"
    if athena == "decimal":
        # The digits after the point that are there: what Athena states of them is for the column, not for the expression.
        scale = texts.str.extract(r"\.(\d*)$").str.len_chars().max()
        return texts.cast(pl.Decimal(MAX_DECIMAL_DIGITS, int(str(scale or 0))))
    if athena == "date":
        return texts.str.to_date("%Y-%m-%d")
    if athena.startswith("timestamp"):
        instants = texts.str.replace(" UTC$", "").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
        return texts if instants.null_count() != texts.null_count() else instants
    dtype = _POLARS.get(athena)
    return texts.cast(dtype) if dtype is not None else texts
