"""What happens to columns and rows between Bronze and the rules of Silver."""

from typing import Self

from pydantic import model_validator

from flowforge.model.base import Document
from flowforge.model.contract import DataType, Type
from flowforge.model.lookup import DerivedColumn, Lookup, check_new_name
from flowforge.model.names import OneCharacter
from flowforge.model.row_filter import RowFilter
from flowforge.model.text_transformation import FormatParameters, Transformation

TEXT = DataType(type=Type.TEXT)
FORMATTED_MOMENTS = (Type.DATE, Type.TIMESTAMP)
FORMATTED_NUMBERS = (Type.INTEGER, Type.DECIMAL, Type.FLOAT)


class ColumnMapping(Document):
    """A column's name in Silver, its declared type, and what is done to it on the way.

    Transformations change the text before the cast, in their order; ``format``, which comes last, writes the typed value as
    text again, so the column is text in Silver and ``data_type`` says what its text is read as.
    """

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
    def read_type(self) -> DataType | None:
        """The type that the column's text is read as, or None where it is inferred."""
        if self.data_type is None:
            return None
        return DataType.parse(self.data_type, format=self.format, thousands_separator=self.thousands_separator)

    @property
    def declared_type(self) -> DataType | None:
        """The type that the column has in Silver, or None where it is inferred."""
        return TEXT if self.output_format is not None else self.read_type

    @property
    def text_transformations(self) -> tuple[Transformation, ...]:
        """What is done to the text before the cast."""
        return tuple(item for item in self.transformations if item.type != "format")

    @property
    def output_format(self) -> FormatParameters | None:
        """How the typed value is written as text, or None where it stays typed."""
        last = self.transformations[-1].parsed if self.transformations else None
        return last if isinstance(last, FormatParameters) else None

    @model_validator(mode="after")
    def _type_is_known(self) -> Self:
        if self.data_type is None and (self.format or self.thousands_separator):
            raise ValueError(f"column {self.source_column!r}: format and thousandsSeparator need a dataType")
        _ = self.declared_type
        check_new_name(self.name)
        return self

    @model_validator(mode="after")
    def _format_comes_last(self) -> Self:
        kinds = [item.type for item in self.transformations]
        if "format" not in kinds:
            return self
        where = f"column {self.source_column!r}: the transformation format"
        if kinds.count("format") > 1 or kinds[-1] != "format":
            raise ValueError(f"{where} comes last, since it writes the typed value as text")
        wanted = FORMATTED_MOMENTS if self.output_format and self.output_format.pattern else FORMATTED_NUMBERS
        if self.read_type is None or self.read_type.type not in wanted:
            raise ValueError(f"{where} needs a dataType: one of {', '.join(wanted)}")
        return self


class TransformationConfig(Document):
    """What happens between Bronze and the rules of Silver: mappings, lookups, derived columns, then filters."""

    column_mappings: tuple[ColumnMapping, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    derived_columns: tuple[DerivedColumn, ...] = ()
    filters: tuple[RowFilter, ...] = ()

    @property
    def new_columns(self) -> tuple[str, ...]:
        """The columns that no file has, in their order."""
        looked_up = [name for lookup in self.lookups for name in lookup.select_columns.values()]
        return (*looked_up, *(column.name for column in self.derived_columns))

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        mapped = [mapping.name for mapping in self.column_mappings]
        for kind, names in (
            ("columnMappings: sourceColumn", [mapping.source_column for mapping in self.column_mappings]),
            ("columnMappings: targetColumn", mapped),
            ("lookups: name", [lookup.name for lookup in self.lookups]),
            ("columnMappings, lookups and derivedColumns: the column", [*mapped, *self.new_columns]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{kind} {', '.join(twice)} stands there more than once")
        return self
