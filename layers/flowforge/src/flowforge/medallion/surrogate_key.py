"""The surrogate key: 32 hexadecimal digits that follow from the key's values alone, the same in every run and version."""

from collections.abc import Mapping, Sequence

import polars as pl
import polars_hash as plh

HEX_DIGITS = 32
"""128 bits: with 10^9 keys the chance of one collision is about 10^-21."""


def surrogate_key(key: Sequence[str], schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """The first 128 bits of the SHA-256 of the values, each written as ``length:text`` and null as ``-``.

    The length in front keeps ``("a", "bc")`` and ``("ab", "c")`` apart. Texts are UTF-8 and lengths count their bytes; a
    date is ISO 8601, a timestamp has six decimals.
    """
    parts = []
    for column in key:
        text = _text(pl.col(column), schema[column])
        parts.append(
            pl.when(text.is_null())
            .then(pl.lit("-"))
            .otherwise(pl.concat_str([text.str.len_bytes().cast(pl.String), pl.lit(":"), text]))
        )
    encoded = pl.concat_str(parts)
    hashed: pl.Expr = plh.CryptographicHashingNameSpace(encoded).sha2_256()
    return hashed.str.slice(0, HEX_DIGITS)


def _text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return value.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    if isinstance(dtype, pl.Date):
        return value.dt.strftime("%Y-%m-%d")
    return value.cast(pl.String)
