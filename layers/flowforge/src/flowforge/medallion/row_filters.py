"""Which rows go on: the filters of a job over the typed columns."""

from collections.abc import Mapping, Sequence

import polars as pl

from flowforge.medallion.expression_types import Typed, TypeMismatchError, comparable, require
from flowforge.medallion.stated_values import equals, stated
from flowforge.model.row_filter import Operator, RowFilter


def kept(filters: Sequence[RowFilter], schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """True of the rows that meet every filter. Raises TypeMismatchError where a value or an operator does not fit its column."""
    return pl.all_horizontal(pl.lit(True), *(_met(item, schema).fill_null(False) for item in filters))


def _met(condition: RowFilter, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    where = f"filter on {condition.column!r}"
    if condition.column not in schema:
        raise TypeMismatchError(f"{where}: there is no such column; there are {', '.join(schema)}")
    column = Typed(pl.col(condition.column), schema[condition.column])
    try:
        return _compared(column, condition)
    except TypeMismatchError as fault:
        raise TypeMismatchError(f"{where}: {fault}") from fault


def _compared(column: Typed, condition: RowFilter) -> pl.Expr:
    operator, values = condition.operator, condition.values
    match operator:
        case Operator.IS_NULL:
            return column.expr.is_null()
        case Operator.NOT_NULL:
            return column.expr.is_not_null()
        case Operator.IN | Operator.NOT_IN:
            found = pl.any_horizontal(equals(column, value) for value in values)
            return found if operator is Operator.IN else ~found
        case Operator.EQUALS | Operator.NOT_EQUALS:
            same = equals(column, values[0])
            return same if operator is Operator.EQUALS else ~same
        case Operator.CONTAINS | Operator.NOT_CONTAINS | Operator.STARTS_WITH | Operator.ENDS_WITH:
            return _text(require(column, "text", operator.value).expr, operator, str(values[0]))
        case _:
            left, right = comparable(column, stated(values[0], column))
            return _ordered(left, operator, right)


def _text(text: pl.Expr, operator: Operator, part: str) -> pl.Expr:
    match operator:
        case Operator.STARTS_WITH:
            return text.str.starts_with(part)
        case Operator.ENDS_WITH:
            return text.str.ends_with(part)
        case _:
            found = text.str.contains(part, literal=True)
            return found if operator is Operator.CONTAINS else ~found


def _ordered(left: pl.Expr, operator: Operator, right: pl.Expr) -> pl.Expr:
    match operator:
        case Operator.GREATER_THAN:
            return left > right
        case Operator.GREATER_OR_EQUALS:
            return left >= right
        case Operator.LESS_THAN:
            return left < right
        case _:
            return left <= right
