"""From the tree of a user's expression to the engine's, with types that are checked before a row is read.

What cannot be computed is null, as under TRY: a division by zero, a cast that does not fit, a result beyond 64 bits (38 digits
of a decimal). ``/`` gives a float. Where AND, OR and comparisons meet null they answer as SQL does.
"""

from collections.abc import Mapping

import polars as pl

from flowforge.medallion.casts import polars_type
from flowforge.medallion.expression_arithmetic import arithmetic, negated
from flowforge.medallion.expression_functions import FUNCTIONS
from flowforge.medallion.expression_types import (
    Typed,
    TypeMismatchError,
    comparable,
    literal,
    require,
    text_of,
    unify,
)
from flowforge.medallion.typed_casts import cast_value
from flowforge.model.contract import DataType, Type
from flowforge.model.expression import (
    Binary,
    Call,
    Case,
    Cast,
    Column,
    Expression,
    In,
    IsNull,
    Like,
    Literal,
    Unary,
)

COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


def compiled(expression: Expression, schema: Mapping[str, pl.DataType]) -> Typed:
    """The expression over a frame of that schema, and the type of its result.

    Raises TypeMismatchError where a column is not there or types do not go together.
    """
    match expression:
        case Literal(value):
            return literal(value)
        case Column(name):
            if name not in schema:
                raise TypeMismatchError(f"there is no column {name!r}; there are {', '.join(schema)}")
            return Typed(pl.col(name), schema[name])
        case Unary("not", operand):
            return Typed(~require(compiled(operand, schema), "boolean", "NOT").expr, pl.Boolean())
        case Unary(_, operand):
            return negated(compiled(operand, schema))
        case Binary(operator, left, right):
            return _binary(operator, compiled(left, schema), compiled(right, schema))
        case IsNull(operand):
            return Typed(compiled(operand, schema).expr.is_null(), pl.Boolean())
        case In(operand, items):
            subject = compiled(operand, schema)
            found = [_compared("=", subject, compiled(item, schema)) for item in items]
            return Typed(pl.any_horizontal(item.expr for item in found), pl.Boolean())
        case Like(operand, pattern, ignore_case):
            text = require(compiled(operand, schema), "text", "LIKE")
            return Typed(text.expr.str.contains(_like_pattern(pattern, ignore_case=ignore_case)), pl.Boolean())
        case Case(branches, otherwise):
            return _case(branches, otherwise, schema)
        case Cast(operand, data_type):
            return _cast(compiled(operand, schema), data_type)
        case Call(function, arguments):
            return FUNCTIONS[function]([compiled(argument, schema) for argument in arguments])


def compiled_condition(expression: Expression, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """An expression that answers true, false or null. Raises TypeMismatchError for one that answers something else."""
    return require(compiled(expression, schema), "boolean", "a condition").expr


def _binary(operator: str, left: Typed, right: Typed) -> Typed:
    if operator in COMPARISONS:
        return _compared(operator, left, right)
    if operator in ("and", "or"):
        one, two = (require(side, "boolean", operator.upper()).expr for side in (left, right))
        return Typed(one & two if operator == "and" else one | two, pl.Boolean())
    if operator == "||":
        # Null where one side is: the engine's concatenation does so unless it is told otherwise.
        return Typed(pl.concat_str([text_of(left), text_of(right)]), pl.String())
    return arithmetic(operator, left, right)


def _compared(operator: str, left: Typed, right: Typed) -> Typed:
    one, two = comparable(left, right)
    match operator:
        case "=":
            result = one == two
        case "<>":
            result = one != two
        case "<":
            result = one < two
        case "<=":
            result = one <= two
        case ">":
            result = one > two
        case _:
            result = one >= two
    return Typed(result, pl.Boolean())


def _case(branches: tuple[tuple[Expression, Expression], ...], otherwise: Expression, schema: Mapping[str, pl.DataType]) -> Typed:
    conditions = [require(compiled(condition, schema), "boolean", "WHEN").expr for condition, _ in branches]
    *values, last = unify([*(compiled(value, schema) for _, value in branches), compiled(otherwise, schema)], "CASE")
    result = last.expr
    for condition, value in reversed(list(zip(conditions, values, strict=True))):
        result = pl.when(condition).then(value.expr).otherwise(result)
    return Typed(result, last.dtype)


def _cast(operand: Typed, data_type: DataType) -> Typed:
    """SQL's cast: a number is rounded half away from zero, a timestamp cut to its date; what does not fit is null."""
    target = polars_type(data_type)
    value = operand.expr
    fraction = operand.dtype.is_float() or isinstance(operand.dtype, pl.Decimal)
    if data_type.type in (Type.INTEGER, Type.DECIMAL) and fraction:
        rounded = value.round(data_type.scale or 0, mode="half_away_from_zero")
        finite = pl.when(rounded.is_finite()).then(rounded) if operand.dtype.is_float() else rounded
        return Typed(finite.cast(target, strict=False), target)
    if data_type.type is Type.FLOAT and operand.dtype.is_numeric():
        return Typed(value.cast(pl.Float64), target)
    if data_type.type is Type.DATE and isinstance(operand.dtype, pl.Datetime):
        return Typed(value.dt.date(), target)
    if isinstance(operand.dtype, pl.Null):
        return Typed(value.cast(target), target)
    return Typed(cast_value(value, operand.dtype, data_type, declared=True), target)


def _like_pattern(pattern: str, *, ignore_case: bool) -> str:
    signs = {"%": ".*", "_": "."}
    escaped = "".join(signs.get(character) or _escaped(character) for character in pattern)
    return f"(?s{'i' if ignore_case else ''})^{escaped}$"


def _escaped(character: str) -> str:
    return character if character.isalnum() or character.isspace() or not character.isascii() else f"\\{character}"
