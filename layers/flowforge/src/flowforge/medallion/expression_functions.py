"""What the functions of users' expressions do; ``model/expression_functions`` says which there are."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import polars as pl

from flowforge.medallion.expression_arithmetic import absolute
from flowforge.medallion.expression_types import MAX_DIGITS, Typed, TypeMismatchError, comparable, require, text_of, unify
from flowforge.model.expression_functions import DIFFERENCES, TRUNCATIONS

Arguments = Sequence[Typed]
Constant = TypeVar("Constant", int, str)
Function = Callable[[Arguments], Typed]
STEPS = {
    "year": "1y",
    "quarter": "1q",
    "month": "1mo",
    "week": "1w",
    "day": "1d",
    "hour": "1h",
    "minute": "1m",
    "second": "1s",
}
OF_A_DAY = ("hour", "minute", "second")


def _text(change: Callable[[pl.Expr], pl.Expr], name: str) -> Function:
    return lambda given: Typed(change(require(given[0], "text", name).expr), pl.String())


def _check(test: Callable[[pl.Expr, pl.Expr], pl.Expr], name: str) -> Function:
    return lambda given: Typed(test(require(given[0], "text", name).expr, require(given[1], "text", name).expr), pl.Boolean())


def _part(read: Callable[[pl.Expr], pl.Expr], name: str) -> Function:
    def function(given: Arguments) -> Typed:
        moment = given[0]
        if moment.kind not in ("date", "timestamp", "timestamptz"):
            raise TypeMismatchError(f"{name} takes a date or a timestamp, and this is a {moment.kind}")
        value = moment.expr.cast(pl.Datetime("us")) if moment.kind == "date" else moment.expr
        return Typed(read(value).cast(pl.Int64), pl.Int64())

    return function


def _rounded(change: Callable[[pl.Expr], pl.Expr], name: str) -> Function:
    return lambda given: _changed_number(require(given[0], "number", name), change)


def _round(given: Arguments) -> Typed:
    digits = _constant(given[1], int, "round", "a number of digits") if len(given) > 1 else 0
    if digits < 0:
        raise TypeMismatchError("round takes a number of digits from 0 on")
    number = require(given[0], "number", "round")
    return _changed_number(number, lambda value: value.round(digits, mode="half_away_from_zero"))


def _changed_number(number: Typed, change: Callable[[pl.Expr], pl.Expr]) -> Typed:
    """A number with fewer digits behind the point; a decimal can get one more before it."""
    if number.dtype.is_integer():
        return number
    dtype = pl.Float64() if number.dtype.is_float() else pl.Decimal(MAX_DIGITS, number.scale)
    return Typed(change(number.expr).cast(dtype), dtype)


def _length(given: Arguments) -> Typed:
    return Typed(require(given[0], "text", "length").expr.str.len_chars().cast(pl.Int64), pl.Int64())


def _concat(given: Arguments) -> Typed:
    return Typed(pl.concat_str([text_of(part) for part in given], ignore_nulls=True), pl.String())


def _replace(given: Arguments) -> Typed:
    text, search, replacement = (require(part, "text", "replace").expr for part in given)
    if not isinstance(given[1].value, str):
        raise TypeMismatchError("replace takes a search text in single quotes")
    if not given[1].value:
        return given[0]
    return Typed(text.str.replace_all(search, replacement, literal=True), pl.String())


def _substring(given: Arguments) -> Typed:
    """The first character is 1; a negative start counts from the end, as in DuckDB."""
    text = require(given[0], "text", "substring").expr
    start = require(given[1], "number", "substring").expr.cast(pl.Int64, strict=False)
    offset = pl.when(start > 0).then(start - 1).otherwise(start)
    if len(given) == 2:  # without a length
        return Typed(text.str.slice(offset), pl.String())
    length = require(given[2], "number", "substring").expr.cast(pl.Int64, strict=False)
    return Typed(text.str.slice(offset, length.clip(lower_bound=0)), pl.String())


def _end(take: Callable[[pl.Expr, int], pl.Expr], name: str) -> Function:
    def function(given: Arguments) -> Typed:
        count = _constant(given[1], int, name, "a number of characters")
        if count < 0:
            raise TypeMismatchError(f"{name} takes a number of characters from 0 on")
        return Typed(take(require(given[0], "text", name).expr, count), pl.String())

    return function


def _pad(pad: Callable[[pl.Expr, int, str], pl.Expr], name: str) -> Function:
    def function(given: Arguments) -> Typed:
        text = require(given[0], "text", name).expr
        width, fill = _constant(given[1], int, name, "a width"), _constant(given[2], str, name, "a character")
        if width < 0 or len(fill) != 1:
            raise TypeMismatchError(f"{name} takes a width from 0 on and one character to fill with")
        return Typed(pad(text, width, fill).str.head(width), pl.String())

    return function


def _pattern(part: Typed, name: str) -> str:
    pattern = _constant(part, str, name, "a pattern")
    check_by_engine(pattern)
    return pattern


def check_by_engine(pattern: str) -> None:
    """Raise TypeMismatchError for a regular expression that the engine does not take."""
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        raise TypeMismatchError(
            f"the pattern {pattern!r} is no regular expression: {' '.join(str(error).split())[:200]}"
        ) from error


def _regexp_matches(given: Arguments) -> Typed:
    text = require(given[0], "text", "regexp_matches").expr
    return Typed(text.str.contains(_pattern(given[1], "regexp_matches")), pl.Boolean())


def _regexp_extract(given: Arguments) -> Typed:
    text, pattern = require(given[0], "text", "regexp_extract").expr, _pattern(given[1], "regexp_extract")
    group = _constant(given[2], int, "regexp_extract", "a group") if len(given) > 2 else 0
    return Typed(text.str.extract(pattern, group), pl.String())


def _regexp_replace(given: Arguments) -> Typed:
    text = require(given[0], "text", "regexp_replace").expr
    replacement = _constant(given[2], str, "regexp_replace", "a replacement")
    return Typed(text.str.replace_all(_pattern(given[1], "regexp_replace"), replacement), pl.String())


def _coalesce(given: Arguments) -> Typed:
    parts = unify(given, "coalesce")
    return Typed(pl.coalesce([part.expr for part in parts]), parts[0].dtype)


def _nullif(given: Arguments) -> Typed:
    one, two = comparable(*given)
    return Typed(pl.when(one == two).then(None).otherwise(given[0].expr), given[0].dtype)


def _extreme(of: Callable[[list[pl.Expr]], pl.Expr], name: str) -> Function:
    """Nulls are left out, as in DuckDB and PostgreSQL."""

    def function(given: Arguments) -> Typed:
        parts = unify(given, name)
        if parts[0].kind == "text":
            raise TypeMismatchError(f"{name} compares numbers and dates, and these are texts")
        return Typed(of([part.expr for part in parts]), parts[0].dtype)

    return function


def _date_trunc(given: Arguments) -> Typed:
    unit, moment = _unit(given[0], TRUNCATIONS, "date_trunc"), given[1]
    if moment.kind not in ("date", "timestamp", "timestamptz") or (moment.kind == "date" and unit in OF_A_DAY):
        raise TypeMismatchError(
            f"date_trunc by {unit} takes a timestamp{'' if unit in OF_A_DAY else ' or a date'}, and this is a {moment.kind}"
        )
    return Typed(moment.expr.dt.truncate(STEPS[unit]), moment.dtype)


def _date_diff(given: Arguments) -> Typed:
    """The number of days (hours ...) that begin between the two, as in DuckDB."""
    unit = _unit(given[0], DIFFERENCES, "date_diff")
    start, end = comparable(given[1], given[2])
    kinds = {given[1].kind, given[2].kind} - {"null"}
    if not kinds <= {"date", "timestamp", "timestamptz", "text"} or kinds == {"text"}:
        raise TypeMismatchError(f"date_diff takes two dates or timestamps, and these are a {' and a '.join(sorted(kinds))}")
    zone = "UTC" if "timestamptz" in kinds else None
    one, two = (side.cast(pl.Datetime("us", zone)).dt.truncate(STEPS[unit]) for side in (start, end))
    seconds = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}[unit]
    return Typed((two - one).dt.total_seconds() // seconds, pl.Int64())


def _unit(part: Typed, known: Sequence[str], name: str) -> str:
    unit = _constant(part, str, name, "a unit").lower()
    if unit not in known:
        raise TypeMismatchError(f"{name} does not know the unit {unit!r}; known are {', '.join(known)}")
    return unit


def _constant(part: Typed, kind: type[Constant], name: str, what: str) -> Constant:
    if not isinstance(part.value, kind) or isinstance(part.value, bool):
        raise TypeMismatchError(f"{name} takes {what} that is written out, not one that is computed")
    return part.value


FUNCTIONS: dict[str, Function] = {
    "abs": lambda given: absolute(require(given[0], "number", "abs")),
    "ceil": _rounded(lambda value: value.ceil(), "ceil"),
    "coalesce": _coalesce,
    "concat": _concat,
    "contains": _check(lambda text, part: text.str.contains(part, literal=True), "contains"),
    "date_diff": _date_diff,
    "date_trunc": _date_trunc,
    "day": _part(lambda value: value.dt.day(), "day"),
    "ends_with": _check(lambda text, part: text.str.ends_with(part), "ends_with"),
    "floor": _rounded(lambda value: value.floor(), "floor"),
    "greatest": _extreme(lambda parts: pl.max_horizontal(parts), "greatest"),
    "hour": _part(lambda value: value.dt.hour(), "hour"),
    "least": _extreme(lambda parts: pl.min_horizontal(parts), "least"),
    "left": _end(lambda text, count: text.str.head(count), "left"),
    "length": _length,
    "lower": _text(lambda text: text.str.to_lowercase(), "lower"),
    "lpad": _pad(lambda text, width, fill: text.str.pad_start(width, fill), "lpad"),
    "ltrim": _text(lambda text: text.str.strip_chars_start(), "ltrim"),
    "minute": _part(lambda value: value.dt.minute(), "minute"),
    "month": _part(lambda value: value.dt.month(), "month"),
    "nullif": _nullif,
    "regexp_extract": _regexp_extract,
    "regexp_matches": _regexp_matches,
    "regexp_replace": _regexp_replace,
    "replace": _replace,
    "right": _end(lambda text, count: text.str.tail(count), "right"),
    "round": _round,
    "rpad": _pad(lambda text, width, fill: text.str.pad_end(width, fill), "rpad"),
    "rtrim": _text(lambda text: text.str.strip_chars_end(), "rtrim"),
    "second": _part(lambda value: value.dt.second(), "second"),
    "starts_with": _check(lambda text, part: text.str.starts_with(part), "starts_with"),
    "substring": _substring,
    "trim": _text(lambda text: text.str.strip_chars(), "trim"),
    "upper": _text(lambda text: text.str.to_uppercase(), "upper"),
    "year": _part(lambda value: value.dt.year(), "year"),
}
