"""Rules that a row alone is held to, as expressions of the engine: all of a pass are one set of expressions."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from flowforge.medallion.expression_functions import check_by_engine
from flowforge.medallion.expression_types import Typed, TypeMismatchError, comparable, require
from flowforge.medallion.expressions import compiled_condition
from flowforge.medallion.stated_values import equals, stated
from flowforge.model.quality_rule import (
    EnumParameters,
    ExpressionParameters,
    LengthParameters,
    PatternParameters,
    QualityRule,
    RangeParameters,
)


class RowRule(NamedTuple):
    """A rule with what it says of a row: whether it is broken, and whether it could be judged (both never null)."""

    rule: QualityRule
    broken: pl.Expr
    judged: pl.Expr


def row_rule(rule: QualityRule, schema: Mapping[str, pl.DataType]) -> RowRule:
    """The rule over rows of that schema. Raises TypeMismatchError where it does not fit the type of its column."""
    try:
        broken = _broken(rule, schema)
    except TypeMismatchError as fault:
        raise TypeMismatchError(f"rule {rule.label}: {fault}") from fault
    judged = broken.is_not_null() if rule.null_is is None else pl.lit(True)
    return RowRule(rule, broken.fill_null(rule.null_is == "fail"), judged)


def _broken(rule: QualityRule, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """Whether a row breaks the rule; null where a null decides."""
    parameters = rule.parsed
    if isinstance(parameters, ExpressionParameters):
        return ~compiled_condition(parameters.parsed, schema)
    name = str(rule.column)
    if name not in schema:
        raise TypeMismatchError(f"there is no column {name!r}; there are {', '.join(schema)}")
    column = Typed(pl.col(name), schema[name])
    match parameters:
        case RangeParameters(min=low, max=high):
            return _outside(column, low, high)
        case LengthParameters(min=fewest, max=most):
            length = require(column, "text", "length").expr.str.len_chars()
            return (length < (fewest or 0)) | (length > most if most is not None else pl.lit(False))
        case PatternParameters(pattern=pattern):
            check_by_engine(pattern)
            return ~require(column, "text", "pattern").expr.str.contains(pattern)
        case EnumParameters(values=values):
            return ~pl.any_horizontal(equals(column, value) for value in values)
        case _:
            return column.expr.is_null()


def _outside(column: Typed, low: int | float | str | None, high: int | float | str | None) -> pl.Expr:
    if column.kind in ("text", "boolean"):
        raise TypeMismatchError(
            f"range takes a number or a date, and the column is a {column.kind}; state its dataType in columnMappings"
        )
    parts = []
    if low is not None:
        value, bound = comparable(column, stated(low, column))
        parts.append(value < bound)
    if high is not None:
        value, bound = comparable(column, stated(high, column))
        parts.append(value > bound)
    return pl.any_horizontal(parts)
