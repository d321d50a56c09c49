"""Which Athena type each polars type becomes, and how a frame is written so that Athena can read it.

Athena reads Parquet by Hive's types (https://docs.aws.amazon.com/athena/latest/ug/data-types.html): integers are signed and
of 64 bits at the most, times of day and durations have no type, a timestamp has microseconds, and the fields of a struct
have names that can stand between ``:`` and ``,``. What is outside of that is written in the nearest type that loses no
value; only the nanoseconds of a timestamp are cut off.
"""

import re
from collections.abc import Sequence

import polars as pl
from polars.datatypes import DataType, DataTypeClass

MAX_DECIMAL_DIGITS = 38
UINT64_DIGITS = 20
_ATHENA: dict[type[DataType], str] = {
    pl.Boolean: "boolean",
    pl.Int8: "tinyint",
    pl.Int16: "smallint",
    pl.Int32: "int",
    pl.Int64: "bigint",
    pl.Float32: "float",
    pl.Float64: "double",
    pl.String: "string",
    pl.Binary: "binary",
    pl.Date: "date",
    pl.Datetime: "timestamp",
}
_REPLACED: dict[type[DataType], DataType] = {
    pl.UInt8: pl.Int16(),
    pl.UInt16: pl.Int32(),
    pl.UInt32: pl.Int64(),
    pl.UInt64: pl.Decimal(UINT64_DIGITS, 0),
    pl.Int128: pl.Decimal(MAX_DECIMAL_DIGITS, 0),
    pl.UInt128: pl.Decimal(MAX_DECIMAL_DIGITS, 0),
    pl.Float16: pl.Float32(),
    pl.Duration: pl.Int64(),
    pl.Time: pl.String(),
    pl.Categorical: pl.String(),
    pl.Enum: pl.String(),
    pl.Null: pl.String(),
}
_PLAIN_FIELD = re.compile(r"[a-z_][a-z0-9_]*")
_TIME_OF_DAY = "%H:%M:%S%.6f"


def athena_type(dtype: DataType) -> str:
    """The type, as Glue and Athena's DDL write it, of a column whose polars type is ``readable_type`` already.

    Raises ValueError for a type that is not.
    """
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision or MAX_DECIMAL_DIGITS},{dtype.scale})"
    if isinstance(dtype, pl.List):
        return f"array<{athena_type(_instance(dtype.inner))}>"
    if isinstance(dtype, pl.Map):
        return f"map<{athena_type(_instance(dtype.key))},{athena_type(_instance(dtype.value))}>"
    if isinstance(dtype, pl.Struct):
        fields = (f"{field.name}:{athena_type(_instance(field.dtype))}" for field in dtype.fields)
        return f"struct<{','.join(fields)}>"
    found = _ATHENA.get(type(dtype))
    if found is None or dtype != readable_type(dtype):
        raise ValueError(f"Athena reads no {dtype}")
    return found


def readable_type(dtype: DataType) -> DataType:
    """The polars type in which a column of ``dtype`` is written.

    Raises ValueError for Python objects, which no file can hold.
    """
    if isinstance(dtype, pl.Object | pl.Unknown):
        raise ValueError(f"a column of type {dtype} cannot be written")
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", dtype.time_zone)
    if isinstance(dtype, pl.Decimal):
        return pl.Decimal(dtype.precision or MAX_DECIMAL_DIGITS, dtype.scale)
    if isinstance(dtype, pl.List | pl.Array):
        return pl.List(readable_type(_instance(dtype.inner)))
    if isinstance(dtype, pl.Map):
        return pl.Map(readable_type(_instance(dtype.key)), readable_type(_instance(dtype.value)))
    if isinstance(dtype, pl.Struct):
        if not dtype.fields:
            return pl.String()
        names = plain_names([field.name for field in dtype.fields])
        types = (readable_type(_instance(field.dtype)) for field in dtype.fields)
        return pl.Struct(dict(zip(names, types, strict=True)))
    return _REPLACED.get(type(dtype), dtype)


def as_readable(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with every column in its ``readable_type``; the very frame where there is nothing to change.

    A value that the type cannot hold (an integer of 39 digits) is an error of the engine when the frame is read.
    """
    changed = [
        _convert(pl.col(name), dtype).alias(name)
        for name, dtype in frame.collect_schema().items()
        if readable_type(dtype) != dtype
    ]
    return frame.with_columns(changed) if changed else frame


def plain_names(names: Sequence[str]) -> list[str]:
    """The names of a struct's fields in lower case, with ``_`` for what Hive's type text cannot hold; distinct, in order."""
    plain: list[str] = []
    for name in names:
        base = re.sub(r"[^a-z0-9_]", "_", name.lower()) or "_"
        base = base if _PLAIN_FIELD.fullmatch(base) else f"_{base}"
        candidate, number = base, 2
        while candidate in plain:
            candidate, number = f"{base}_{number}", number + 1
        plain.append(candidate)
    return plain


def _convert(value: pl.Expr, dtype: DataType) -> pl.Expr:
    target = readable_type(dtype)
    if target == dtype:
        return value
    if isinstance(dtype, pl.Time):
        return value.dt.to_string(_TIME_OF_DAY)
    if isinstance(dtype, pl.Duration):
        return value.dt.total_microseconds()
    if isinstance(dtype, pl.Array):
        return _convert(value.arr.to_list(), pl.List(dtype.inner))
    if isinstance(dtype, pl.List):
        return value.list.eval(_convert(pl.element(), _instance(dtype.inner)))
    if isinstance(dtype, pl.Struct) and isinstance(target, pl.Struct):
        fields = [
            _convert(value.struct.field(old.name), _instance(old.dtype)).alias(new.name)
            for old, new in zip(dtype.fields, target.fields, strict=True)
        ]
        return pl.when(value.is_not_null()).then(pl.struct(fields))
    if isinstance(dtype, pl.Struct):
        return pl.lit(None, dtype=pl.String)
    return value.cast(target)


def _instance(dtype: DataType | DataTypeClass) -> DataType:
    return dtype() if isinstance(dtype, DataTypeClass) else dtype
