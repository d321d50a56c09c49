"""Values that a workflow states (bounds, lists, what a filter compares with), in the type of the column they are held to.

YAML and forms write ``10``, ``"10"`` and ``"2026-01-31"``; the contract decides what is meant.
"""

from decimal import Decimal, InvalidOperation

import polars as pl

from flowforge.medallion.expression_types import MAX_DIGITS, Typed, TypeMismatchError, comparable, literal

Stated = bool | int | float | str
BOOLEANS = {"true": True, "false": False}


def stated(value: Stated, column: Typed) -> Typed:
    """The value as an operand beside the column. Raises TypeMismatchError where it cannot be one of the column's."""
    match column.kind:
        case "number":
            return literal(_number(value))
        case "boolean":
            truth = BOOLEANS.get(value.lower(), value) if isinstance(value, str) else value
            if not isinstance(truth, bool):
                raise TypeMismatchError(f"{value!r} is neither true nor false")
            return literal(truth)
        case "text":
            return literal(str(value).lower() if isinstance(value, bool) else str(value))
        case "null":
            return literal(value if isinstance(value, str) else str(value))
        case _:
            if not isinstance(value, str):
                raise TypeMismatchError(f"{value!r} is no {column.kind}; write it as text of the form YYYY-MM-DD[ HH:MM:SS]")
            return literal(value)


def equals(column: Typed, value: Stated) -> pl.Expr:
    """Whether the column has the value; null where it is null."""
    left, right = comparable(column, stated(value, column))
    return left == right


def _number(value: Stated) -> int | Decimal | float:
    if isinstance(value, bool):
        raise TypeMismatchError(f"{value!r} is no number")
    if isinstance(value, int):
        return value
    try:
        # A float by its shortest text, so that 0.1 is the decimal that a person wrote.
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise TypeMismatchError(f"{value!r} is no number") from error
    if not number.is_finite():
        raise TypeMismatchError(f"{value!r} is no number that a cell can hold")
    fixed = Decimal(format(number, "f"))
    return fixed if len(fixed.as_tuple().digits) <= MAX_DIGITS else float(number)
