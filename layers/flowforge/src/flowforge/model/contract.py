"""The schema contract: the types that Silver promises, as a numbered object that people can read and edit."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from flowforge.model.base import Document

TIMESTAMP_WITH_ZONE = "timestamptz"
ZONED_FORMATS = ("%z", "%#z", "%:z", "%+")
DECIMAL = re.compile(r"decimal\((\d{1,2}),\s*(\d{1,2})\)")
MAX_DECIMAL_PRECISION = 38


class Type(StrEnum):
    """The families of types a column can have. ``undetermined``: every value so far was null."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    UNDETERMINED = "undetermined"


class DataType(Document):
    """A type with what its casts need: precision and scale, the form of a date, the separator of thousands.

    A ``zoned`` timestamp is an instant, kept in UTC; another one is the time on some wall.
    """

    type: Type
    precision: int | None = None
    scale: int | None = None
    format: str | None = None
    thousands_separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    zoned: bool = False

    @classmethod
    def parse(cls, text: str, *, format: str | None = None, thousands_separator: str | None = None) -> Self:  # noqa: A002
        """Read the form that people write: ``integer``, ``decimal(18,2)``, ``timestamptz``. Raises ValueError for another."""
        text = text.strip().lower()
        zoned = text == TIMESTAMP_WITH_ZONE
        text = Type.TIMESTAMP.value if zoned else text
        decimal = DECIMAL.fullmatch(text)
        precision, scale = (int(decimal[1]), int(decimal[2])) if decimal else (None, None)
        known = [member.value for member in Type if member not in (Type.UNDETERMINED, Type.DECIMAL)]
        if not decimal and text not in known:
            raise ValueError(
                f"{text!r} is no data type; known are {', '.join(known)}, {TIMESTAMP_WITH_ZONE} and decimal(precision,scale)"
            )
        return cls(
            type=Type.DECIMAL if decimal else Type(text),
            precision=precision,
            scale=scale,
            format=format,
            thousands_separator=thousands_separator,
            zoned=zoned,
        )

    @property
    def has_zone(self) -> bool:
        """Whether a value is an instant: it is said to be, or its form carries the offset from UTC."""
        return self.zoned or any(mark in (self.format or "") for mark in ZONED_FORMATS)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.type is Type.DECIMAL and not (
            self.precision is not None
            and self.scale is not None
            and 1 <= self.precision <= MAX_DECIMAL_PRECISION
            and 0 <= self.scale <= self.precision
        ):
            raise ValueError(f"decimal({self.precision},{self.scale}): the precision is 1 to 38, the scale 0 to the precision")
        if self.format is not None and self.type not in (Type.DATE, Type.TIMESTAMP):
            raise ValueError(f"a format belongs to a date or a timestamp, not to {self.type.value}")
        if self.zoned and self.type is not Type.TIMESTAMP:
            raise ValueError(f"a zone belongs to a timestamp, not to {self.type.value}")
        if self.thousands_separator is not None and self.type not in (Type.INTEGER, Type.DECIMAL, Type.FLOAT):
            raise ValueError(f"a thousands separator belongs to a number, not to {self.type.value}")
        if self.thousands_separator is not None and (self.thousands_separator.isalnum() or self.thousands_separator in ".+-"):
            raise ValueError(f"{self.thousands_separator!r} cannot separate thousands: it is part of a number itself")
        return self

    def __str__(self) -> str:
        """The form that people write."""
        if self.type is Type.DECIMAL:
            return f"decimal({self.precision},{self.scale})"
        return TIMESTAMP_WITH_ZONE if self.zoned else self.type.value


class Origin(StrEnum):
    """Where a column of Silver comes from: a column of Bronze, another table, an expression."""

    SOURCE = "source"
    LOOKUP = "lookup"
    DERIVED = "derived"


class ContractColumn(Document):
    """One column of Silver: its name there, its type, and what it is made of.

    ``source`` is the name it has in Bronze; of a lookup the table and the column there, of a derived column the expression.
    """

    name: str
    source: str
    data_type: DataType
    declared: bool = False
    origin: Origin = Origin.SOURCE

    @field_validator("data_type", mode="before")
    @classmethod
    def _as_people_write_it(cls, value: object) -> object:
        if value == Type.UNDETERMINED.value:
            return {"type": value}
        return DataType.parse(value) if isinstance(value, str) else value


class Contract(Document):
    """The columns of a Silver table, in order. A new version is a new object; none is ever changed."""

    schema_version: int = 1
    version: Annotated[int, Field(ge=1)]
    run_id: str
    columns: tuple[ContractColumn, ...]

    @field_validator("columns")
    @classmethod
    def _names_are_unique(cls, columns: tuple[ContractColumn, ...]) -> tuple[ContractColumn, ...]:
        names = [column.name for column in columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the contract names {', '.join(twice)} more than once")
        return columns

    def column(self, name: str) -> ContractColumn | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def sources(self) -> dict[str, ContractColumn]:
        """The columns that come from Bronze, by the name they have there."""
        return {column.source: column for column in self.columns if column.origin is Origin.SOURCE}
