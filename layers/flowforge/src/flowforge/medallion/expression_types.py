"""The types of users' expressions: which go together, and in which type they meet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl

from flowforge.medallion.canonical_text import canonical_text
from flowforge.model.expression import Value

MAX_DIGITS = 38


class TypeMismatchError(ValueError):
    """An expression whose types do not go together, or that names a column which is not there."""


@dataclass(frozen=True)
class Typed:
    """A part of an expression with the type of its result; ``value`` is that of a constant."""

    expr: pl.Expr
    dtype: pl.DataType
    value: Value = None

    @property
    def kind(self) -> str:
        """The family of types, in the words of messages."""
        return kind_of(self.dtype)

    @property
    def scale(self) -> int:
        """Digits behind the point of a decimal or an integer."""
        return self.dtype.scale if isinstance(self.dtype, pl.Decimal) else 0


def kind_of(dtype: pl.DataType) -> str:
    """``number``, ``text``, ``boolean``, ``date``, ``timestamp``, ``timestamptz`` or ``null``."""
    match dtype:
        case pl.String():
            return "text"
        case pl.Boolean():
            return "boolean"
        case pl.Date():
            return "date"
        case pl.Datetime(time_zone=zone):
            return "timestamp" if zone is None else "timestamptz"
        case pl.Null():
            return "null"
        case _:
            return "number"


def literal(value: Value) -> Typed:
    """A constant. A text stays text, and becomes a date where it meets one."""
    match value:
        case None:
            return Typed(pl.lit(None), pl.Null())
        case bool():
            return Typed(pl.lit(value), pl.Boolean(), value)
        case int():
            return Typed(pl.lit(value, dtype=pl.Int64), pl.Int64(), value)
        case Decimal():
            scale = max(0, -int(value.as_tuple().exponent))
            return Typed(pl.lit(value, dtype=pl.Decimal(MAX_DIGITS, scale)), pl.Decimal(MAX_DIGITS, scale), value)
        case float():
            return Typed(pl.lit(value, dtype=pl.Float64), pl.Float64(), value)
        case datetime():
            return Typed(pl.lit(value), pl.Datetime("us", None if value.tzinfo is None else "UTC"), value)
        case date():
            return Typed(pl.lit(value), pl.Date(), value)
        case _:
            return Typed(pl.lit(value, dtype=pl.String), pl.String(), value)


def require(part: Typed, kind: str, where: str) -> Typed:
    """The part, if it is of a kind or null. Raises TypeMismatchError otherwise."""
    if isinstance(part.dtype, pl.Null):
        dtypes = {"boolean": pl.Boolean(), "text": pl.String(), "number": pl.Float64(), "date": pl.Date()}
        return Typed(part.expr.cast(dtypes[kind]), dtypes[kind])
    if part.kind != kind:
        raise TypeMismatchError(f"{where} takes a {kind}, and this is a {part.kind}")
    return part


def text_of(part: Typed) -> pl.Expr:
    """The part as text."""
    return part.expr.cast(pl.String) if isinstance(part.dtype, pl.Null) else canonical_text(part.expr, part.dtype)


def comparable(left: Typed, right: Typed) -> tuple[pl.Expr, pl.Expr]:
    """Both sides in a type in which they can be compared."""
    left, right = _meeting(left, right), _meeting(right, left)
    one, two = unify([left, right], "a comparison")
    return one.expr, two.expr


def unify(parts: Sequence[Typed], where: str) -> list[Typed]:
    """The parts in one type. Raises TypeMismatchError where there is none."""
    kinds = {part.kind for part in parts} - {"null"}
    dtype: pl.DataType
    if not kinds:
        dtype = pl.Null()
    elif kinds == {"number"}:
        dtype = _number_type([part for part in parts if part.kind == "number"])
    elif kinds == {"date", "timestamp"}:
        dtype = pl.Datetime("us")
    elif len(kinds) == 1:
        dtype = next(part.dtype for part in parts if part.kind != "null")
    else:
        raise TypeMismatchError(f"{where} holds a {' and a '.join(sorted(kinds))}; CAST one of them")
    return [part if part.dtype == dtype else Typed(part.expr.cast(dtype, strict=False), dtype, part.value) for part in parts]


def _number_type(parts: Sequence[Typed]) -> pl.DataType:
    if any(part.dtype.is_float() for part in parts):
        return pl.Float64()
    scale = max(part.scale for part in parts)
    exact = any(isinstance(part.dtype, pl.Decimal) for part in parts)
    return pl.Decimal(MAX_DIGITS, scale) if exact else pl.Int64()


def _meeting(part: Typed, other: Typed) -> Typed:
    """A text that is compared with a date or a timestamp is one; a stated time without a zone is in UTC."""
    if isinstance(part.value, str) and other.kind in ("date", "timestamp", "timestamptz"):
        try:
            whole = datetime.fromisoformat(part.value)
        except ValueError as error:
            raise TypeMismatchError(
                f"{part.value!r} is compared with a {other.kind} and is not of the form YYYY-MM-DD[ HH:MM:SS]"
            ) from error
        is_date = other.kind == "date" and len(part.value) == len("YYYY-MM-DD")
        part = literal(whole.date() if is_date else whole)
    if other.kind == "timestamptz" and isinstance(part.value, date):
        moment = part.value if isinstance(part.value, datetime) else datetime(part.value.year, part.value.month, part.value.day)  # noqa: DTZ001
        return literal(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return part
