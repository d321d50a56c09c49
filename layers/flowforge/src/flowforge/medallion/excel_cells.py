"""The cells of a workbook's column: what kinds of values there are over the whole column, and the type that follows.

A workbook knows numbers (64-bit floats), texts, booleans, and numbers that a format shows as date, time or duration.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

MAX_EXACT = float(1 << 53)
WORDS = {
    float: "numbers",
    int: "numbers",
    str: "texts",
    bool: "booleans",
    dt.date: "dates",
    dt.datetime: "timestamps",
    dt.time: "times",
    dt.timedelta: "durations",
}


@dataclass
class CellKinds:
    """The kinds of the values seen in one column. ``whole``: every number so far is a whole one that a float holds exactly."""

    kinds: set[type] = field(default_factory=set)
    whole: bool = True

    def see(self, values: Sequence[Any]) -> None:
        """Take up cells; None is an empty one."""
        self.kinds.update(map(type, values))
        if self.whole and float in self.kinds:
            self.whole = all(value.is_integer() and -MAX_EXACT <= value <= MAX_EXACT for value in values if type(value) is float)

    def type(self) -> pl.DataType:
        """The common type: ``Null`` for a column without a value, text where the values have none."""
        kinds = self.kinds - {type(None)}
        if not kinds:
            return pl.Null()
        if kinds <= {float, int}:
            return pl.Int64() if self.whole else pl.Float64()
        if kinds == {bool}:
            return pl.Boolean()
        if kinds == {dt.date}:
            return pl.Date()
        if kinds <= {dt.date, dt.datetime}:
            return pl.Datetime("us")
        return pl.Time() if kinds == {dt.time} else pl.String()

    def note(self) -> str | None:
        """A sentence about a column of text whose cells are not all texts, or None."""
        kinds = self.kinds - {type(None)}
        if not isinstance(self.type(), pl.String) or kinds <= {str}:
            return None
        found = " and ".join(sorted({WORDS[kind] for kind in kinds}))
        return f"{found} stand there, so each value is kept as text"


def cell(value: Any, null_values: Collection[str] = ()) -> Any:
    """A cell of the reader's: None for an empty one and for a text that means null."""
    return None if type(value) is str and (not value or value in null_values) else value


def column(values: Sequence[Any], kept: pl.DataType) -> pl.Series:
    """The cells of a column as a series of its type."""
    if isinstance(kept, pl.Int64):
        values = [None if value is None else int(value) for value in values]
    elif isinstance(kept, pl.Float64):
        values = [None if value is None else float(value) for value in values]
    elif isinstance(kept, pl.Datetime):
        values = [dt.datetime(*value.timetuple()[:3]) if type(value) is dt.date else value for value in values]  # noqa: DTZ001
    elif isinstance(kept, pl.String):
        values = [shown(value) for value in values]
    return pl.Series(values, dtype=kept, strict=True)


def shown(value: Any) -> str | None:
    """A cell as text: a number with every digit it has, a date as ISO 8601 writes it, a duration as h:mm:ss."""
    if value is None or type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is dt.timedelta:
        return _duration(value)
    if type(value) is dt.datetime:
        return value.isoformat(" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(int(value)) if float(value).is_integer() and abs(value) <= MAX_EXACT else repr(value)


def _duration(value: dt.timedelta) -> str:
    sign, rest = ("-", -value) if value < dt.timedelta() else ("", value)
    minutes, seconds = divmod(rest.days * 86_400 + rest.seconds, 60)
    fraction = f".{rest.microseconds:06}".rstrip("0") if rest.microseconds else ""
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{seconds:02}{fraction}"
