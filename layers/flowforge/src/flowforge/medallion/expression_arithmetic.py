"""Arithmetic of users' expressions. The engine's own wraps around beyond 64 bits and fails the whole column where a decimal
has too many digits; here such a result is null.
"""

import polars as pl

from flowforge.medallion.expression_types import MAX_DIGITS, Typed, TypeMismatchError, require
from flowforge.model.expression import Value

LAST_DIGIT_OF_ESTIMATE = 1e-12
"""How far an estimate in floats can be off."""


def arithmetic(operator: str, left: Typed, right: Typed) -> Typed:
    """``+ - * / %`` of numbers, and ``+ -`` of a date and days. Raises TypeMismatchError for anything else."""
    if "date" in (left.kind, right.kind) and operator in "+-":
        return _of_dates(operator, left, right)
    left, right = require(left, "number", operator), require(right, "number", operator)
    if operator == "/":
        divisor = right.expr.cast(pl.Float64)
        return _finite(left.expr.cast(pl.Float64) / pl.when(divisor != 0).then(divisor))
    if left.dtype.is_float() or right.dtype.is_float():
        return _of_floats(operator, left.expr.cast(pl.Float64), right.expr.cast(pl.Float64))
    if isinstance(left.dtype, pl.Decimal) or isinstance(right.dtype, pl.Decimal):
        return _of_decimals(operator, left, right)
    return _of_integers(operator, left.expr, right.expr)


def negated(operand: Typed) -> Typed:
    """``-x``."""
    value: Value = 0
    return arithmetic("-", Typed(pl.lit(0, dtype=pl.Int64), pl.Int64(), value), operand)


def absolute(operand: Typed) -> Typed:
    """``abs(x)``."""
    if isinstance(operand.dtype, pl.Int64):
        return Typed(operand.expr.cast(pl.Int128).abs().cast(pl.Int64, strict=False), pl.Int64())
    return Typed(operand.expr.abs(), operand.dtype)


def _of_floats(operator: str, left: pl.Expr, right: pl.Expr) -> Typed:
    match operator:
        case "+":
            return _finite(left + right)
        case "-":
            return _finite(left - right)
        case "*":
            return _finite(left * right)
        case _:
            divisor = pl.when(right != 0).then(right)
            return _finite(left - (left / divisor).truncate() * divisor)


def _finite(result: pl.Expr) -> Typed:
    return Typed(pl.when(result.is_finite()).then(result), pl.Float64())


def _of_integers(operator: str, left: pl.Expr, right: pl.Expr) -> Typed:
    # The sum and the product of two 64-bit integers have at most 127 bits.
    one, two = left.cast(pl.Int128), right.cast(pl.Int128)
    match operator:
        case "+":
            result = one + two
        case "-":
            result = one - two
        case "*":
            result = one * two
        case _:
            # SQL's remainder has the sign of the dividend.
            divisor = pl.when(two != 0).then(two)
            result = (one.abs() % divisor.abs()) * one.sign()
    return Typed(result.cast(pl.Int64, strict=False), pl.Int64())


def _of_decimals(operator: str, left: Typed, right: Typed) -> Typed:
    scale = left.scale + right.scale if operator == "*" else max(left.scale, right.scale)
    if scale > MAX_DIGITS:
        return _of_floats(operator, left.expr.cast(pl.Float64), right.expr.cast(pl.Float64))
    # A product keeps the greater of the two scales.
    one, two = (
        side.expr.cast(pl.Decimal(MAX_DIGITS, scale if operator == "*" else side.scale), strict=False) for side in (left, right)
    )
    if operator == "%":
        divisor = pl.when(two != 0).then(two)
        remainder = one.abs() % divisor.abs()
        return Typed(pl.when(one < 0).then(-remainder).otherwise(remainder), pl.Decimal(MAX_DIGITS, scale))
    size_one, size_two = one.cast(pl.Float64).abs(), two.cast(pl.Float64).abs()
    size = size_one * size_two if operator == "*" else size_one + size_two
    # The engine refuses a whole column for one result that has too many digits.
    one = pl.when(size < 10.0 ** (MAX_DIGITS - scale) * (1 - LAST_DIGIT_OF_ESTIMATE)).then(one)
    match operator:
        case "+":
            result = one + two
        case "-":
            result = one - two
        case _:
            result = one * two
    return Typed(result, pl.Decimal(MAX_DIGITS, scale))


def _of_dates(operator: str, left: Typed, right: Typed) -> Typed:
    if left.kind == right.kind == "date" and operator == "-":
        return Typed((left.expr - right.expr).dt.total_days(), pl.Int64())
    day, number = (left, right) if left.kind == "date" else (right, left)
    if not isinstance(number.dtype, pl.Int64) or (operator == "-" and day is right):
        raise TypeMismatchError(f"{operator} takes a date and an integer number of days, or two dates to subtract")
    days = pl.duration(days=number.expr if operator == "+" else -number.expr)
    return Typed(day.expr + days, pl.Date())
