"""Which rows of a source are wanted in Silver. The others are counted as ``filtered``."""

from datetime import date, datetime
from enum import StrEnum
from typing import Self

from pydantic import field_validator, model_validator

from flowforge.model.base import Document

Scalar = bool | int | float | str


def dates_as_text(value: object) -> object:
    """The value, or the values, with ISO texts in the place of dates: YAML reads 2026-01-31 as a date."""
    if isinstance(value, list | tuple):
        return [dates_as_text(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


class Operator(StrEnum):
    """How a column is compared. All but ``is_null`` are false of a null."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    GREATER_THAN = "greater_than"
    GREATER_OR_EQUALS = "greater_or_equals"
    LESS_THAN = "less_than"
    LESS_OR_EQUALS = "less_or_equals"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    IN = "in"
    NOT_IN = "not_in"
    IS_NULL = "is_null"
    NOT_NULL = "not_null"


LISTS = (Operator.IN, Operator.NOT_IN)
NULLS = (Operator.IS_NULL, Operator.NOT_NULL)
OF_TEXT = (Operator.CONTAINS, Operator.NOT_CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH)


class RowFilter(Document):
    """A condition that a row must meet to go on. Several must all be met."""

    column: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...] | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _dates_as_text(cls, value: object) -> object:
        return dates_as_text(value)

    @property
    def values(self) -> tuple[Scalar, ...]:
        """The value or values to compare with."""
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @model_validator(mode="after")
    def _value_fits_the_operator(self) -> Self:
        where = f"filter on {self.column!r}: {self.operator.value}"
        if self.operator in NULLS and self.value is not None:
            raise ValueError(f"{where} takes no value")
        if self.operator in LISTS and not (isinstance(self.value, tuple) and self.value):
            raise ValueError(f"{where} takes a list of values")
        if self.operator not in (*LISTS, *NULLS) and (self.value is None or isinstance(self.value, tuple)):
            raise ValueError(f"{where} takes one value; write is_null or not_null for null, in or not_in for a list")
        if self.operator in OF_TEXT and not isinstance(self.value, str):
            raise ValueError(f"{where} takes a text")
        return self
