"""What happens to columns between Bronze and the rules of Silver."""

from typing import Literal, Self

from pydantic import model_validator

from flowforge.model.base import Document
from flowforge.model.contract import DataType
from flowforge.model.names import RESERVED_PREFIX, OneCharacter, is_pattern


class Transformation(Document):
    """A change to the text of a column before it is cast."""

    type: Literal["trim"]


class ColumnMapping(Document):
    """A column's name in Silver, its declared type, and the transformations before the cast."""

    source_column: str
    target_column: str | None = None
    data_type: str | None = None
    format: str | None = None
    thousands_separator: OneCharacter | None = None
    transformations: tuple[Transformation, ...] = ()

    @property
    def name(self) -> str:
        """The column's name in Silver."""
        return self.target_column or self.source_column

    @property
    def declared_type(self) -> DataType | None:
        """The declared type, or None where it is inferred."""
        if self.data_type is None:
            return None
        return DataType.parse(self.data_type, format=self.format, thousands_separator=self.thousands_separator)

    @model_validator(mode="after")
    def _type_is_known(self) -> Self:
        if self.data_type is None and (self.format or self.thousands_separator):
            raise ValueError(f"column {self.source_column!r}: format and thousandsSeparator need a dataType")
        _ = self.declared_type
        if self.name.startswith(RESERVED_PREFIX):
            raise ValueError(f"column {self.name!r}: names that start with {RESERVED_PREFIX!r} belong to the product")
        if is_pattern(self.name):
            raise ValueError(f"column {self.name!r}: '*' and names from '^' to '$' are patterns to the engine")
        return self


class TransformationConfig(Document):
    """What happens between Bronze and the rules of Silver."""

    column_mappings: tuple[ColumnMapping, ...] = ()

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        for kind, names in (
            ("sourceColumn", [mapping.source_column for mapping in self.column_mappings]),
            ("targetColumn", [mapping.name for mapping in self.column_mappings]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"columnMappings: {kind} {', '.join(twice)} stands there more than once")
        return self
