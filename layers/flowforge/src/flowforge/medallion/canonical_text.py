"""The text of a typed value of Bronze: what text transformations, text columns and the quarantine's reasons see.

Numbers in their shortest form, ``true`` and ``false``, dates and times in ISO 8601 with a blank before the time, instants in
UTC, durations in ISO 8601, bytes in Base64, lists and structs as JSON.
"""

import polars as pl

ISO_TIMESTAMP = "%Y-%m-%d %H:%M:%S%.f"
_WRAPPED = "v"


def is_nested(dtype: pl.DataType) -> bool:
    """Whether a value is made of values."""
    return isinstance(dtype, pl.List | pl.Array | pl.Struct)


def canonical_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The value as text; null for null and for a float that is no number."""
    match dtype:
        case pl.String():
            return value
        case pl.Float32() | pl.Float64():
            return value.fill_nan(None).cast(pl.String)
        case pl.Datetime(time_zone=zone) if zone is not None:
            return value.dt.convert_time_zone("UTC").dt.strftime(f"{ISO_TIMESTAMP}+00:00")
        case pl.Datetime():
            return value.dt.strftime(ISO_TIMESTAMP)
        case pl.Date() | pl.Time() | pl.Duration():
            return value.dt.to_string("iso")
        case pl.Binary():
            return value.bin.encode("base64")
        case _ if is_nested(dtype):
            return json_text(value, dtype)
        case _:
            return value.cast(pl.String)


def json_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A list or struct as JSON. Decimals, dates and times are texts in it, and bytes Base64."""
    prepared = _encodable(value, dtype)
    # Only structs have an encoder.
    wrapped = pl.struct(prepared.alias(_WRAPPED)).struct.json_encode()
    head = len(f'{{"{_WRAPPED}":')
    return pl.when(value.is_not_null()).then(wrapped.str.slice(head, wrapped.str.len_chars() - head - 1))


def _encodable(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The value with what the encoder cannot write as text."""
    match dtype:
        case pl.Binary():
            return value.bin.encode("base64")
        case pl.Categorical() | pl.Enum():
            return value.cast(pl.String)
        case pl.Array():
            return _encodable(value.arr.to_list(), pl.List(dtype.inner))
        case pl.List():
            return value.list.eval(_encodable(pl.element(), _dtype(dtype.inner)))
        case pl.Struct():
            fields = [_encodable(value.struct.field(field.name), _dtype(field.dtype)).alias(field.name) for field in dtype.fields]
            return pl.when(value.is_not_null()).then(pl.struct(fields)) if fields else value
        case _:
            return value


def _dtype(dtype: object) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()  # type: ignore[operator]
