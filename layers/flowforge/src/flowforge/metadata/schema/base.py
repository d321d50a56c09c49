"""What every table has in common: names of constraints, columns of time, and types that the database holds.

Tables of SQLAlchemy Core, not classes of its ORM: a route's number of queries is then what its code shows
(docs/adr/0027-metadata-by-core-tables.md).
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, DateTime, Enum, MetaData, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)
IDENTIFIER_PATTERN = "^[A-Za-z0-9_-]{1,80}$"
SLUG_PATTERN = "^[a-z0-9]+(-[a-z0-9]+)*$"


def held_enum(kind: type[StrEnum], name: str) -> Enum:
    """A type of the database with the values of an enumeration, in their order, which is also how they sort."""
    return Enum(kind, name=name, values_callable=lambda members: [member.value for member in members], metadata=METADATA)


def instant(name: str, *, given: bool = False) -> Column[Any]:
    """A time with its zone. ``given``: never null, and the transaction's time where none is stated."""
    if given:
        return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())
    return Column(name, DateTime(timezone=True))


def words(name: str) -> Column[Any]:
    """Text that is empty where nobody wrote any."""
    return Column(name, Text, nullable=False, server_default=text("''"))


def document(name: str, kind: str = "object") -> tuple[Column[Any], CheckConstraint]:
    """A column of JSON that is an object, or an array, with the check that holds it to that."""
    empty = "'{}'" if kind == "object" else "'[]'"
    column: Column[Any] = Column(name, JSONB, nullable=False, server_default=text(f"{empty}::jsonb"))
    return column, CheckConstraint(f"jsonb_typeof({name}) = '{kind}'", name=name)


def matches(column: str, pattern: str) -> CheckConstraint:
    """A check that a text column matches a regular expression."""
    return CheckConstraint(f"{column} ~ '{pattern}'", name=column)


def not_negative(column: str) -> CheckConstraint:
    """A check that a number is no less than zero."""
    return CheckConstraint(f"{column} >= 0", name=column)
