"""From the types that Bronze carries (Parquet, JSON, Excel) to those of the contract, without a way through text where
none is needed. A value that does not fit becomes null, as in ``casts``.
"""

import polars as pl

from flowforge.medallion.batch_casts import cast_texts, misfits
from flowforge.medallion.canonical_text import canonical_text, is_nested
from flowforge.medallion.casts import is_blank, polars_type
from flowforge.model.contract import DataType, Type

TEXT = DataType(type=Type.TEXT)
NUMBERS = (Type.INTEGER, Type.DECIMAL, Type.FLOAT)
MOMENTS = (Type.DATE, Type.TIMESTAMP)
UNSIGNED_64 = DataType(type=Type.DECIMAL, precision=20, scale=0)
"""Holds 2^64 - 1, which a signed integer does not."""
SIGNED_128 = DataType(type=Type.DECIMAL, precision=38, scale=0)


def carried_type(dtype: pl.DataType) -> DataType | None:
    """The type of the contract for a type of Bronze; None for text, whose type is inferred from its values."""
    match dtype:
        case pl.String():
            return None
        case pl.Null():
            return DataType(type=Type.UNDETERMINED)
        case pl.UInt64():
            return UNSIGNED_64
        case pl.Int128():
            return SIGNED_128
        case _ if dtype.is_integer():
            return DataType(type=Type.INTEGER)
        case pl.Decimal(precision=precision, scale=scale):
            return DataType(type=Type.DECIMAL, precision=precision, scale=scale)
        case pl.Float32() | pl.Float64():
            return DataType(type=Type.FLOAT)
        case pl.Boolean():
            return DataType(type=Type.BOOLEAN)
        case pl.Date():
            return DataType(type=Type.DATE)
        case pl.Datetime(time_zone=zone):
            return DataType(type=Type.TIMESTAMP, zoned=zone is not None)
        case _:
            return TEXT


def carried_as(dtype: pl.DataType) -> str | None:
    """What a person should know of a type of Bronze that Silver writes otherwise, or None."""
    if is_nested(dtype):
        return "its lists and records are JSON texts in Silver"
    match dtype:
        case pl.Binary():
            return "its bytes are Base64 texts in Silver"
        case pl.Time() | pl.Duration():
            return f"its values of type {str(dtype).partition('(')[0].lower()} are ISO 8601 texts in Silver"
        case pl.UInt64() | pl.Int128():
            return f"its integers of type {dtype} can be greater than 64 bits with a sign hold, so it is {carried_type(dtype)}"
        case _:
            return None


def cast_value(value: pl.Expr, dtype: pl.DataType, data_type: DataType, *, declared: bool) -> pl.Expr:
    """A value of Bronze in the contract's type, or null where it is empty or does not fit.

    Numbers go to numbers and moments to moments where they come back as they were; an instant loses its zone only where
    the job says ``timestamp``, and is the time in UTC then. Anything else goes by its text.
    """
    if isinstance(dtype, pl.String):
        return cast_texts(value, data_type, declared=declared)
    target = polars_type(data_type)
    if data_type.type in NUMBERS and dtype.is_numeric():
        present = value.fill_nan(None) if dtype.is_float() else value
        number = _if_unchanged(present, dtype, target)
        return pl.when(number.is_finite()).then(number) if data_type.type is Type.FLOAT else number
    if data_type.type in MOMENTS and isinstance(dtype, pl.Date | pl.Datetime):
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None and not data_type.has_zone:
            value, dtype = value.dt.convert_time_zone("UTC").dt.replace_time_zone(None), pl.Datetime(dtype.time_unit)
        if data_type.has_zone and isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
            # Nobody says of which zone it is.
            return pl.lit(None, dtype=target)
        return _if_unchanged(value, dtype, target)
    if data_type.type is Type.BOOLEAN and isinstance(dtype, pl.Boolean):
        return value
    return cast_texts(canonical_text(value, dtype), data_type, declared=declared)


def _if_unchanged(value: pl.Expr, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    """The cast value where casting it back gives the value again."""
    if dtype == target:
        return value
    if isinstance(dtype, pl.Decimal) and isinstance(target, pl.Decimal):
        # The engine compares decimals of two scales at the finer one.
        changed = value.cast(target, strict=False)
        return pl.when(changed == value).then(changed)
    changed = value.cast(target, strict=False)
    return pl.when(changed.cast(dtype, strict=False) == value).then(changed)


def is_empty(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """True for null, a blank text and a float that is no number."""
    if isinstance(dtype, pl.String):
        return is_blank(value)
    return (value.fill_nan(None) if dtype.is_float() else value).is_null()


def value_misfit(value: pl.Expr, dtype: pl.DataType, typed: pl.Expr) -> pl.Expr:
    """True where a value that is not empty has no typed value."""
    return misfits(value, typed) if isinstance(dtype, pl.String) else ~is_empty(value, dtype) & typed.is_null()
