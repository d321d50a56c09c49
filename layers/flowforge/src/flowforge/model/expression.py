"""SQL expressions of users over the columns of one row, as a tree.

Parsed when a workflow is saved (``expression_parser``), so that what cannot be run is refused there, and compiled by
``medallion/expressions``. The tree has no table, subquery, aggregate or window, so an expression can read nothing but its row.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal

from flowforge.model.contract import DataType

Value = bool | int | Decimal | float | str | date | datetime | None


@dataclass(frozen=True)
class Literal:
    """A constant; None is SQL's NULL."""

    value: Value


@dataclass(frozen=True)
class Column:
    """A column of Silver, by its exact name."""

    name: str


@dataclass(frozen=True)
class Unary:
    """``NOT x`` or ``-x``."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True)
class Binary:
    """Arithmetic, comparison, AND, OR, or ``||``."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True)
class IsNull:
    """``x IS NULL``; its negation is a ``Unary``."""

    operand: "Expression"


@dataclass(frozen=True)
class In:
    """``x IN (a, b)``."""

    operand: "Expression"
    items: tuple["Expression", ...]


@dataclass(frozen=True)
class Like:
    """``x LIKE 'pattern'``, where ``%`` is any text and ``_`` any character; ``ignore_case`` for ILIKE."""

    operand: "Expression"
    pattern: str
    ignore_case: bool


@dataclass(frozen=True)
class Case:
    """``CASE WHEN condition THEN value ... ELSE otherwise END``."""

    branches: tuple[tuple["Expression", "Expression"], ...]
    otherwise: "Expression"


@dataclass(frozen=True)
class Cast:
    """``CAST(x AS type)``, null where the value does not fit."""

    operand: "Expression"
    data_type: DataType


@dataclass(frozen=True)
class Call:
    """A function of ``expression_functions``."""

    function: str
    arguments: tuple["Expression", ...]


Expression = Literal | Column | Unary | Binary | IsNull | In | Like | Case | Cast | Call


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all its parts, in the order of writing."""
    yield expression
    for field in fields(expression):
        yield from _parts(getattr(expression, field.name))


def _parts(value: object) -> Iterator[Expression]:
    if isinstance(value, Expression):
        yield from walk(value)
    elif isinstance(value, tuple):
        for item in value:
            yield from _parts(item)


def columns_of(expression: Expression) -> tuple[str, ...]:
    """The names of the columns that the expression reads, each once."""
    return tuple(dict.fromkeys(part.name for part in walk(expression) if isinstance(part, Column)))
