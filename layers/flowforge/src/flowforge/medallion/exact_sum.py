"""Sums that do not depend on the order of the rows.

A streaming engine adds floats in the order in which its threads happen to finish, so the last digits of a sum would
differ between two runs and between two machines. Here every float becomes a 128-bit integer at one scale for its
column, chosen so that the largest possible sum still fits; integers add up the same in any order. What is cut off lies
more than 60 bits below the last bit of the largest value.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

SUM_BITS = 126
MAX_SCALE_BITS = 1000
"""Beyond it the scale itself would be no float any more."""


@dataclass(frozen=True)
class Magnitudes:
    """What decides the scales of columns: the largest finite value of each, whatever its sign, and the number of rows."""

    largest: Mapping[str, float]
    rows: int

    @property
    def scales(self) -> dict[str, float]:
        """The power of two by which each column is multiplied before it is summed."""
        return {column: _scale(largest, self.rows) for column, largest in self.largest.items()}

    def joined(self, other: "Magnitudes") -> "Magnitudes":
        """Those of the rows of both."""
        largest = {column: max(value, other.largest.get(column, 0.0)) for column, value in self.largest.items()}
        return Magnitudes(largest, self.rows + other.rows)


def magnitudes(frame: pl.LazyFrame, columns: Sequence[str]) -> Magnitudes:
    """Those of Float64 columns: one streaming pass over them."""
    largest = [_finite(pl.col(column)).abs().max().alias(column) for column in columns]
    row = frame.select(*largest, pl.len().alias("_rows")).collect(engine="streaming").row(0, named=True)
    return Magnitudes({column: row[column] or 0.0 for column in columns}, row["_rows"])


def exact_sum(column: str, dtype: pl.DataType, scale: float = 1.0) -> pl.Expr:
    """The sum of a column, null where it has no value: Decimal for integers and decimals, Float64 for floats.

    Infinities and values that are no number sum to what IEEE 754 says of them.
    """
    value = pl.col(column)
    if dtype.is_float():
        total = pl.coalesce(_sum_of_the_infinite(value), _scaled_total(value, scale) / scale)
    elif dtype.is_integer():
        # A sum of 64-bit integers may not fit one; 38 digits hold what any table can sum to.
        total = value.cast(pl.Decimal(38, 0)).sum()
    else:
        total = value.sum()
    return pl.when(value.count() > 0).then(total)


def exact_mean(column: str, dtype: pl.DataType, scale: float = 1.0) -> pl.Expr:
    """The mean of a column as Float64, null where it has no value."""
    value = pl.col(column)
    if dtype.is_float():
        # Divided by the count first: a mean of floats is in their range even where their sum is not.
        mean = pl.coalesce(_sum_of_the_infinite(value), _scaled_total(value, scale) / value.count() / scale)
        return pl.when(value.count() > 0).then(mean)
    return exact_sum(column, dtype, scale).cast(pl.Float64) / value.count()


def _finite(value: pl.Expr) -> pl.Expr:
    return pl.when(value.is_finite()).then(value)


def _scaled_total(value: pl.Expr, scale: float) -> pl.Expr:
    return (_finite(value) * scale).cast(pl.Int128).sum().cast(pl.Float64)


def _sum_of_the_infinite(value: pl.Expr) -> pl.Expr:
    """The sum of what is not finite, in which the order does not matter; null where every value is finite."""
    other = pl.when(~value.is_finite()).then(value)
    return pl.when(other.count() > 0).then(other.sum())


def _scale(largest: float, rows: int) -> float:
    """The largest power of two with ``largest * rows * scale < 2**126``."""
    bits = SUM_BITS - math.frexp(largest)[1] - rows.bit_length()
    return 2.0 ** max(-MAX_SCALE_BITS, min(MAX_SCALE_BITS, bits))
