"""The rows of a run between Bronze and the rules: renamed, changed, typed, with what was looked up and derived.

Nothing is dropped here; what does not fit is null and named by its ``Failure``.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from flowforge.medallion.canonical_text import canonical_text
from flowforge.medallion.casts import polars_type
from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.expression_types import TypeMismatchError
from flowforge.medallion.expressions import compiled
from flowforge.medallion.lookups import References, looked_up
from flowforge.medallion.transformations import formatted, transformed
from flowforge.medallion.typed_casts import cast_value, is_empty, value_misfit
from flowforge.model.contract import ContractColumn, DataType, Origin, Type
from flowforge.model.job import Job
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.model.transformation import ColumnMapping

RAW = "_bronze:"
"""In front of the name that a column has in Bronze. No name of a user's begins with an underscore."""
COMPUTED = "_computed:"
"""In front of a derived column's name: what its expression gave, before its type."""
SHOWN_CHARACTERS = 80


class Failure(NamedTuple):
    """Something that a row can fail by before any rule; ``condition`` is never null, ``reason`` is a String."""

    label: str
    column: str
    condition: pl.Expr
    reason: pl.Expr


class Staging:
    """The rows of a run, seen through a contract.

    ``bronze`` holds the columns of the sources, the audit columns and ``_position``. Raises TypeMismatchError where an
    expression or a lookup does not fit the types.
    """

    def __init__(
        self, bronze: pl.LazyFrame, columns: Sequence[ContractColumn], job: Job, references: References | None = None
    ) -> None:
        self._schema = bronze.collect_schema()
        self._job = job
        self._mappings = {mapping.source_column: mapping for mapping in job.transformation_config.column_mappings}
        self.columns = tuple(columns)
        self.raw_columns = _raw_columns(self.columns, self._schema.names())
        self.frame = self._staged(bronze, references or References())
        self.failures = self._failures()

    @property
    def business_columns(self) -> list[str]:
        """The columns of the contract, in its order."""
        return [column.name for column in self.columns]

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """The types of the business columns."""
        schema = self.frame.collect_schema()
        return {name: schema[name] for name in self.business_columns}

    @property
    def fits(self) -> pl.Expr:
        """True of a row that fails by nothing."""
        return ~pl.any_horizontal(pl.lit(False), *(failure.condition for failure in self.failures))

    def _staged(self, bronze: pl.LazyFrame, references: References) -> pl.LazyFrame:
        present = [name for name in self.raw_columns if name in self._schema]
        frame = bronze.select(
            POSITION,
            *(pl.col(name).alias(f"{RAW}{name}") for name in present),
            *(pl.lit(None, dtype=pl.String).alias(f"{RAW}{name}") for name in self.raw_columns if name not in self._schema),
            *AUDIT_COLUMNS,
        )
        of_sources = [column for column in self.columns if column.origin is Origin.SOURCE]
        frame = frame.with_columns(self._typed(column).alias(column.name) for column in of_sources)
        frame = looked_up(frame, self._job.transformation_config.lookups, references)
        known = [column.name for column in self.columns if column.origin is not Origin.DERIVED]
        for derived in self._job.transformation_config.derived_columns:
            schema = frame.collect_schema()
            try:
                part = compiled(derived.parsed, {name: schema[name] for name in known})
            except TypeMismatchError as fault:
                raise TypeMismatchError(f"derived column {derived.name!r}: {fault}") from fault
            value = part.expr.alias(f"{COMPUTED}{derived.name}")
            frame = frame.with_columns(value).with_columns(self._derived(derived.name, part.dtype).alias(derived.name))
            known.append(derived.name)
        return frame

    def _derived(self, name: str, dtype: pl.DataType) -> pl.Expr:
        column = self._column(name)
        value = pl.col(f"{COMPUTED}{name}")
        if isinstance(dtype, pl.Null):
            return value.cast(polars_type(column.data_type))
        return cast_value(value, dtype, column.data_type, declared=True)

    def _column(self, name: str) -> ContractColumn:
        return next(column for column in self.columns if column.name == name)

    def _mapping(self, column: ContractColumn) -> ColumnMapping | None:
        return self._mappings.get(column.source)

    def _read(self, column: ContractColumn) -> tuple[pl.Expr, pl.DataType]:
        """The value of Bronze that is cast, after the changes to its text, and its type."""
        value, dtype = pl.col(f"{RAW}{column.source}"), self._schema.get(column.source, pl.String())
        return read_value(value, dtype, self._mapping(column))

    def _typed(self, column: ContractColumn) -> pl.Expr:
        value, dtype = self._read(column)
        mapping = self._mapping(column)
        read_type = mapping.read_type if mapping is not None and mapping.output_format is not None else None
        if mapping is None or mapping.output_format is None or read_type is None:
            return cast_value(value, dtype, column.data_type, declared=column.declared)
        typed = cast_value(value, dtype, read_type, declared=True)
        try:
            return formatted(typed, polars_type(read_type), mapping.output_format)
        except TypeMismatchError as fault:
            raise TypeMismatchError(f"column {column.name!r}: {fault}") from fault

    def _failures(self) -> list[Failure]:
        """Every cast that can fail, and every column that makes a row what it is and can be empty."""
        schema, failures = self.frame.collect_schema(), []
        config = self._job.destination_config.silver_config
        for column in self.columns:
            if column.origin is Origin.SOURCE:
                value, dtype = self._read(column)
                failures += self._misfits(column, value, dtype, self._read_type(column))
                empty = is_empty(value, dtype)
            else:
                empty = is_empty(pl.col(column.name), schema[column.name])
            if column.origin is Origin.DERIVED:
                raw = f"{COMPUTED}{column.name}"
                failures += self._misfits(column, pl.col(raw), schema[raw], column.data_type, label="derived")
            if column.name in config.primary_key:
                reason = pl.lit(f"{column.name}: the primary key is empty")
                failures.append(Failure(f"primary_key({column.name})", column.name, empty, reason))
            elif column.name == config.effective_date_source:
                reason = pl.lit(f"{column.name}: the effective date is empty")
                failures.append(Failure(f"effective_date({column.name})", column.name, empty, reason))
        return failures

    def _read_type(self, column: ContractColumn) -> DataType:
        mapping = self._mapping(column)
        formatted_from = mapping.read_type if mapping is not None and mapping.output_format is not None else None
        return formatted_from or column.data_type

    def _stays(self, column: ContractColumn, dtype: pl.DataType) -> bool:
        """Whether a value has its type already, and nothing is done to it. Floats that are not finite do not fit."""
        mapping = self._mapping(column)
        is_formatted = mapping is not None and mapping.output_format is not None
        return dtype == polars_type(column.data_type) and not dtype.is_float() and not is_formatted

    def _misfits(
        self, column: ContractColumn, value: pl.Expr, dtype: pl.DataType, data_type: DataType, *, label: str = "cast"
    ) -> list[Failure]:
        if data_type.type in (Type.TEXT, Type.UNDETERMINED) or isinstance(dtype, pl.Null) or self._stays(column, dtype):
            return []
        shown = canonical_text(value, dtype).str.slice(0, SHOWN_CHARACTERS)
        told = [pl.lit(f"{column.name}: '"), shown, pl.lit(f"' is no {described(data_type)}")]
        condition = value_misfit(value, dtype, pl.col(column.name))
        return [Failure(f"{label}({column.name})", column.name, condition, pl.concat_str(told))]


def typed_sources(bronze: pl.LazyFrame, columns: Sequence[ContractColumn], job: Job) -> pl.LazyFrame:
    """The rows of Bronze in the types and under the names of a contract, without what is looked up and derived."""
    alone = job.transformation_config.model_copy(update={"lookups": (), "derived_columns": ()})
    of_sources = [column for column in columns if column.origin is Origin.SOURCE]
    staging = Staging(bronze, of_sources, job.model_copy(update={"transformation_config": alone}))
    return staging.frame.select(POSITION, *staging.business_columns, *AUDIT_COLUMNS)


def read_value(value: pl.Expr, dtype: pl.DataType, mapping: ColumnMapping | None) -> tuple[pl.Expr, pl.DataType]:
    """What the transformations before the cast leave of a value of Bronze, and its type: text where there are any."""
    changes = mapping.text_transformations if mapping is not None else ()
    if not changes:
        return value, dtype
    return transformed(canonical_text(value, dtype), changes), pl.String()


def read_columns(bronze: pl.LazyFrame, mappings: Sequence[ColumnMapping]) -> pl.LazyFrame:
    """The rows of Bronze after the transformations before the cast: what types are inferred from."""
    schema: Mapping[str, pl.DataType] = bronze.collect_schema()
    return bronze.with_columns(
        read_value(pl.col(mapping.source_column), schema[mapping.source_column], mapping)[0].alias(mapping.source_column)
        for mapping in mappings
        if mapping.text_transformations and mapping.source_column in schema
    )


def _raw_columns(columns: Sequence[ContractColumn], present: Sequence[str]) -> list[str]:
    """The columns of Bronze: those of the contract, then those that it leaves out."""
    wanted = [column.source for column in columns if column.origin is Origin.SOURCE]
    return [*wanted, *(name for name in present if name not in {*wanted, *AUDIT_COLUMNS, POSITION})]


def described(data_type: DataType) -> str:
    """A type in the words of a reason."""
    return f"{data_type}" + (f" of the form {data_type.format}" if data_type.format else "")
