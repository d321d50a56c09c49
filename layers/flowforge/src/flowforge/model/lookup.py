"""Columns that come from elsewhere than the source: from another Silver table, and from an expression."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from flowforge.model.base import Document
from flowforge.model.contract import DataType
from flowforge.model.expression import Expression
from flowforge.model.expression_parser import parse_expression
from flowforge.model.names import RESERVED_PREFIX, is_pattern
from flowforge.model.table_reference import TableReference


class Lookup(Document):
    """Columns of another Silver table for the row whose key is this row's; null where there is none.

    ``join_keys`` and ``select_columns`` are lists of names, or mappings where the two tables name a column differently: of this
    row's column to the other table's, and of the other table's column to its name here.
    """

    name: str = Field(min_length=1)
    source_table: TableReference
    join_keys: dict[str, str] = Field(min_length=1)
    select_columns: dict[str, str] = Field(min_length=1)

    @field_validator("join_keys", "select_columns", mode="before", json_schema_input_type=str | tuple[str, ...] | dict[str, str])
    @classmethod
    def _names_or_pairs(cls, value: object) -> object:
        value = [value] if isinstance(value, str) else value
        if isinstance(value, list | tuple):
            if len(set(map(str, value))) != len(value):
                raise ValueError("a column stands there twice")
            return {name: name for name in value}
        return value

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        for name in self.select_columns.values():
            check_new_name(name, f"lookup {self.name!r}")
        if len(set(self.select_columns.values())) != len(self.select_columns):
            raise ValueError(f"lookup {self.name!r}: selectColumns gives two columns the same name")
        return self


class DerivedColumn(Document):
    """A column that is computed from the others of its row, in the type that is stated."""

    name: str = Field(min_length=1)
    expression: str
    data_type: str

    @property
    def parsed(self) -> Expression:
        """The expression as a tree."""
        return parse_expression(self.expression)

    @property
    def declared_type(self) -> DataType:
        """The type of the column."""
        return DataType.parse(self.data_type)

    @model_validator(mode="after")
    def _can_be_computed(self) -> Self:
        check_new_name(self.name, "derivedColumns")
        try:
            _ = self.parsed, self.declared_type
        except ValueError as error:
            raise ValueError(f"derived column {self.name!r}: {error}") from error
        return self


def check_new_name(name: str, where: str = "") -> None:
    """Raise ValueError for a column's name that is kept for the product, or that the engine takes for a pattern."""
    told = f"{where}: column {name!r}" if where else f"column {name!r}"
    if name.startswith(RESERVED_PREFIX):
        raise ValueError(f"{told}: names that start with {RESERVED_PREFIX!r} belong to the product")
    if is_pattern(name):
        raise ValueError(f"{told}: '*' and names from '^' to '$' are patterns to the engine")
