"""Sums that do not depend on the order of the rows.

A streaming engine adds floats in the order in which its threads happen to finish, so the last digits of a sum would
differ between two runs and between two machines. Here every float becomes a 128-bit integer at one scale for its
column, chosen so that the largest possible sum still fits; integers add up the same in any order. What is cut off lies
more than 60 bits below the last bit of the largest value.
"""

import math
from collections.abc import Sequence

import polars as pl

SUM_BITS = 126
MAX_SCALE_BITS = 1000
"""Beyond it the scale itself would be no float any more."""


def float_scales(frame: pl.LazyFrame, columns: Sequence[str]) -> dict[str, float]:
    """The power of two by which each Float64 column is multiplied before it is summed: one streaming pass."""
    if not columns:
        return {}
    largest = [pl.col(column).abs().max().alias(column) for column in columns]
    row = frame.select(*largest, pl.len().alias("_rows")).collect(engine="streaming").row(0, named=True)
    return {column: _scale(row[column] or 0.0, row["_rows"]) for column in columns}


def exact_sum(column: str, dtype: pl.DataType, scale: float = 1.0) -> pl.Expr:
    """The sum of a column, null where it has no value: Decimal for integers and decimals, Float64 for floats."""
    value = pl.col(column)
    if dtype.is_float():
        total = (value * scale).cast(pl.Int128).sum().cast(pl.Float64) / scale
    elif dtype.is_integer():
        # A sum of 64-bit integers may not fit one; 38 digits hold what any table can sum to.
        total = value.cast(pl.Decimal(38, 0)).sum()
    else:
        total = value.sum()
    return pl.when(value.count() > 0).then(total)


def exact_mean(column: str, dtype: pl.DataType, scale: float = 1.0) -> pl.Expr:
    """The mean of a column as Float64, null where it has no value."""
    return exact_sum(column, dtype, scale).cast(pl.Float64) / pl.col(column).count()


def _scale(largest: float, rows: int) -> float:
    """The largest power of two with ``largest * rows * scale < 2**126``."""
    bits = SUM_BITS - math.frexp(largest)[1] - rows.bit_length()
    return 2.0 ** max(-MAX_SCALE_BITS, min(MAX_SCALE_BITS, bits))
