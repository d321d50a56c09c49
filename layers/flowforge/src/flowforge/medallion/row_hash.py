"""A hash of rows that depends neither on their order nor on how they are cut into files or chunks.

Each row has 128 bits (xxh3, https://github.com/Cyan4973/xxHash) of its values as text; the hash of all is their sum modulo
2^128. So a row that is there twice counts twice, and two sets of rows that differ share a sum about once in 10^38. The text of
a value follows from the value and not from its type: 1, 1.0 and 1.00 are the same.
"""

from collections.abc import Sequence

import polars as pl
import polars_hash as plh

from flowforge.model.errors import ConfigFault

HALF = 1 << 64
MODULUS = 1 << 128
NULL_TEXT = "-"


def hash_of_rows(frame: pl.LazyFrame, columns: Sequence[str]) -> str:
    """32 hexadecimal digits over the named columns of all rows, in one streaming pass; zeros for no rows.

    Raises ConfigFault for a column of lists, structs or bytes.
    """
    schema = frame.collect_schema()
    encoded = pl.concat_str([_encoded(pl.col(name), name, schema[name]) for name in columns])
    row_hash: pl.Expr = plh.NonCryptographicHashingNameSpace(encoded).xxh3_128()
    half = pl.lit(HALF, dtype=pl.UInt128)
    # Summed in halves: 2^63 rows would be needed to leave 128 bits.
    halves = frame.select(
        (row_hash // half).cast(pl.Int128).sum().alias("high"), (row_hash % half).cast(pl.Int128).sum().alias("low")
    )
    high, low = halves.collect(engine="streaming").row(0)
    return f"{(high * HALF + low) % MODULUS:032x}"


def _encoded(value: pl.Expr, name: str, dtype: pl.DataType) -> pl.Expr:
    """``length:text``, so that ("a", "bc") and ("ab", "c") differ; null is ``-``."""
    text = _text(value, name, dtype)
    length = text.str.len_bytes().cast(pl.String)
    return pl.when(text.is_null()).then(pl.lit(NULL_TEXT)).otherwise(pl.concat_str([length, pl.lit(":"), text]))


def _text(value: pl.Expr, name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return value.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    if dtype == pl.Date:
        return value.dt.strftime("%Y-%m-%d")
    if dtype.is_float():
        # There is a zero with a sign, which equals the other. Adding a zero would do, if polars did not leave that out.
        return pl.when(value == 0).then(pl.lit("0")).otherwise(value.cast(pl.String).str.strip_suffix(".0"))
    if dtype.is_decimal():
        text = value.cast(pl.String)
        return (
            pl.when(text.str.contains(".", literal=True))
            .then(text.str.strip_chars_end("0").str.strip_chars_end("."))
            .otherwise(text)
        )
    if dtype.is_integer() or dtype in (pl.String, pl.Boolean, pl.Time, pl.Null):
        return value.cast(pl.String)
    raise ConfigFault(f"{name} holds {dtype}, of which no hash is made; name columns of single values", column=name)
