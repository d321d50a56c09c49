"""The type that the values of two types fit without loss, and how a column comes to it."""

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

MAX_PRECISION = 38
SIGNED = (pl.Int8, pl.Int16, pl.Int32, pl.Int64)
WIDTHS: dict[type[pl.DataType], int] = {
    pl.Int8: 8,
    pl.Int16: 16,
    pl.Int32: 32,
    pl.Int64: 64,
    pl.UInt8: 8,
    pl.UInt16: 16,
    pl.UInt32: 32,
    pl.UInt64: 64,
}
DIGITS = {8: 3, 16: 5, 32: 10, 64: 20}
"""How many digits the numbers of a width have at the most."""


class NoCommonType(Exception):  # noqa: N818
    """Two types of which neither holds the values of the other, and no third one does."""


def common_type(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    """The narrowest type that holds the values of both. Whole numbers and floats meet in Float64; text takes up every plain
    value. ``Null`` is the type of a column without a value, and meets every other.

    Raises NoCommonType for what would lose digits, zones or structure.
    """
    if one == other or isinstance(other, pl.Null):
        return one
    if isinstance(one, pl.Null):
        return other
    if isinstance(one, pl.Struct) and isinstance(other, pl.Struct):
        return _common_struct(one, other)
    if isinstance(one, pl.List | pl.Array) and isinstance(other, pl.List | pl.Array):
        return pl.List(common_type(_inner(one), _inner(other)))
    if one.is_integer() and other.is_integer():
        return _common_integer(one, other)
    if one.is_float() or other.is_float():
        return _common_float(one, other)
    if isinstance(one, pl.Decimal) or isinstance(other, pl.Decimal):
        return _common_decimal(one, other)
    return _common_rest(one, other)


def stored(carried: pl.DataType) -> pl.DataType:
    """The type in which a source's column is written: text where it has no value at all, also within arrays and objects."""
    if isinstance(carried, pl.Null):
        return pl.String()
    if isinstance(carried, pl.BaseExtension):
        return stored(_instance(carried.ext_storage()))
    if isinstance(carried, pl.Struct):
        return pl.Struct({field.name: stored(_instance(field.dtype)) for field in carried.fields})
    return pl.List(stored(_inner(carried))) if isinstance(carried, pl.List) else carried


def fitted(column: pl.Expr, carried: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """The values of a column in the type that ``common_type`` or ``stored`` found."""
    if carried == wanted:
        return column
    if isinstance(carried, pl.Null):
        # A literal has one row, and within an array the column has others.
        return pl.when(column.is_not_null()).then(pl.lit(None, dtype=wanted))
    if isinstance(carried, pl.BaseExtension):
        return fitted(column.ext.storage(), _instance(carried.ext_storage()), wanted)
    if isinstance(carried, pl.Struct) and isinstance(wanted, pl.Struct):
        have = {field.name: _instance(field.dtype) for field in carried.fields}
        fields = [
            fitted(column.struct.field(field.name), have[field.name], _instance(field.dtype)).alias(field.name)
            if field.name in have
            else pl.lit(None, dtype=field.dtype).alias(field.name)
            for field in wanted.fields
        ]
        return pl.when(column.is_not_null()).then(pl.struct(fields))
    if isinstance(carried, pl.List | pl.Array) and isinstance(wanted, pl.List):
        items = column.arr.to_list() if isinstance(carried, pl.Array) else column
        return items.list.eval(fitted(pl.element(), _inner(carried), _inner(wanted)))
    return column.cast(wanted, strict=True)


def _instance(kind: "PolarsDataType") -> pl.DataType:
    """The engine takes a class for a type without parameters, within other types too."""
    return kind if isinstance(kind, pl.DataType) else kind()


def _inner(kind: pl.List | pl.Array) -> pl.DataType:
    return _instance(kind.inner)


def _common_struct(one: pl.Struct, other: pl.Struct) -> pl.Struct:
    fields = {field.name: _instance(field.dtype) for field in one.fields}
    for field in other.fields:
        carried = _instance(field.dtype)
        fields[field.name] = common_type(fields.get(field.name, carried), carried)
    return pl.Struct(fields)


def _common_integer(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    if type(one) not in WIDTHS or type(other) not in WIDTHS:
        raise NoCommonType
    signed = {kind: kind.is_signed_integer() for kind in (one, other)}
    if signed[one] == signed[other]:
        return max((one, other), key=lambda kind: WIDTHS[type(kind)])
    needed = max(WIDTHS[type(kind)] * (1 if signed[kind] else 2) for kind in (one, other))
    return next((kind() for kind in SIGNED if WIDTHS[kind] >= needed), pl.Decimal(MAX_PRECISION, 0))


def _common_float(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    if one.is_float() and other.is_float():
        return pl.Float64() if pl.Float64 in (one, other) else pl.Float32()
    number = other if one.is_float() else one
    if number.is_integer():
        return pl.Float64()
    if isinstance(number, pl.String):
        return pl.String()
    raise NoCommonType


def _common_decimal(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    scales, wholes = [], []
    for kind in (one, other):
        if isinstance(kind, pl.Decimal):
            precision = kind.precision if kind.precision is not None else MAX_PRECISION
            scales.append(kind.scale)
            wholes.append(precision - kind.scale)
        elif type(kind) in WIDTHS:
            scales.append(0)
            wholes.append(DIGITS[WIDTHS[type(kind)]])
        elif isinstance(kind, pl.String):
            return pl.String()
        else:
            raise NoCommonType
    if max(wholes) + max(scales) > MAX_PRECISION:
        raise NoCommonType
    return pl.Decimal(max(wholes) + max(scales), max(scales))


def _common_rest(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    kinds = {type(one), type(other)}
    if kinds <= {pl.Date, pl.Datetime}:
        times = [kind for kind in (one, other) if isinstance(kind, pl.Datetime)]
        zones = {kind.time_zone for kind in times} | ({None} if pl.Date in kinds else set())
        if len(zones) == 1 and not any(kind.time_unit == "ns" for kind in times):
            return pl.Datetime("us", times[0].time_zone)
        raise NoCommonType
    texts = {pl.String, pl.Categorical, pl.Enum}
    if kinds & texts and kinds <= texts | {pl.Boolean, pl.Date, pl.Time, *WIDTHS}:
        return pl.String()
    raise NoCommonType
