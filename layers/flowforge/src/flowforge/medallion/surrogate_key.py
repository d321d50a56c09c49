"""The surrogate key: a name for a row that follows from its key alone, the same in every run, tier and version.

A key is written as text that does not depend on how its column is typed at the moment: an integer, a decimal and a float
of the same value, and the text of that integer, are one text.
"""

import uuid
from collections.abc import Mapping, Sequence

import polars as pl
import polars_hash as plh

from flowforge.model.silver_config import SurrogateKeyStrategy

NAMESPACE = uuid.UUID("6f0b3f0e-9d52-5d0f-8a35-3c1d6c1f7a52")
"""The namespace of version 5 UUIDs (RFC 9562, section 5.5); any fixed UUID serves, and this one is never changed."""
_EXACT_INTEGERS = float(10**18)
"""Below it a whole float is written as the integer that it is; integers of Silver have 18 digits at the most."""
_TRAILING_ZEROS = r"(\.[0-9]*?)0+$"


def surrogate_key(strategy: SurrogateKeyStrategy, key: Sequence[str], schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """The key's XXH3 of 128 bits as 32 hexadecimal digits, or its UUID of version 5, as String.

    Raises ValueError for a strategy by which a key alone does not decide.
    """
    encoded = encoded_key(key, schema)
    if strategy is SurrogateKeyStrategy.HASH:
        return hexadecimal_hash(encoded)
    if strategy is SurrogateKeyStrategy.UUID:
        made: pl.Expr = plh.UUIDHashNameSpace(encoded).uuid5(str(NAMESPACE))
        return made
    raise ValueError(f"{strategy.value} does not follow from the key")


def hexadecimal_hash(text: pl.Expr) -> pl.Expr:
    """The XXH3 of 128 bits of a text's UTF-8, seed 0, as the digits that other libraries print.

    Big-endian is the canonical form of xxHash (``XXH128_canonicalFromHash``). 128 bits: with 10^9 keys the chance of one
    collision is about 10^-21.
    """
    hashed: pl.Expr = plh.NonCryptographicHashingNameSpace(text).xxh3_128(return_binary=True, byte_order="big")
    return hashed.bin.encode("hex")


def encoded_key(key: Sequence[str], schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """The values as one String, each written as ``length:text`` and null as ``-``.

    The length in front, in bytes of UTF-8, keeps ``("a", "bc")`` and ``("ab", "c")`` apart.
    """
    parts = []
    for column in key:
        text = key_text(pl.col(column), schema[column])
        parts.append(
            pl.when(text.is_null())
            .then(pl.lit("-"))
            .otherwise(pl.concat_str([text.str.len_bytes().cast(pl.String), pl.lit(":"), text]))
        )
    return pl.concat_str(parts)


def key_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The value as text, the same for every type that can hold it.

    Numbers have no zeros after the last digit that counts, and no point without digits behind it; a date is ISO 8601, and so
    is a timestamp, with six decimals and ``T``; one at midnight is written as the date that it was before it was widened.
    """
    if isinstance(dtype, pl.Datetime):
        midnight = value.dt.time() == pl.time(0)
        return pl.when(midnight).then(value.dt.strftime("%Y-%m-%d")).otherwise(value.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f"))
    if isinstance(dtype, pl.Date):
        return value.dt.strftime("%Y-%m-%d")
    if isinstance(dtype, pl.Decimal):
        return _without_trailing_zeros(value.cast(pl.String))
    if dtype.is_float():
        whole = (value == value.floor()) & (value.abs() < _EXACT_INTEGERS)
        return pl.when(whole).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(value.cast(pl.String))
    return value.cast(pl.String)


def _without_trailing_zeros(text: pl.Expr) -> pl.Expr:
    return text.str.replace(_TRAILING_ZEROS, "$1").str.strip_suffix(".")
