"""The columns that the sources of one run have in common: names reconciled by policy, types by what holds every value."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from flowforge.medallion.bronze_source import BronzeSource
from flowforge.medallion.common_type import NoCommonType, common_type, fitted, stored
from flowforge.medallion.schema_contract import check_same_columns
from flowforge.model.destination import SchemaEvolution
from flowforge.model.errors import DataFault
from flowforge.model.names import AUDIT_COLUMNS


@dataclass(frozen=True)
class CommonColumns:
    """The columns that every Bronze object of a run has, and sentences for what was reconciled."""

    types: Mapping[str, pl.DataType]
    notes: tuple[str, ...] = ()


def common_columns(sources: Sequence[BronzeSource], evolution: SchemaEvolution) -> CommonColumns:
    """The columns of the first source and then those that the others add, each with a type that all of its values fit.

    A source without records and without columns, an empty JSON array, says nothing. Raises DataFault where the policy is strict
    and the columns differ, and where a column's types have nothing in common.
    """
    told = [source for source in sources if source.types]
    notes: list[str] = []
    for source in told[1:]:
        if evolution is SchemaEvolution.STRICT:
            check_same_columns(list(told[0].types), list(source.types), file=source.name, reference=told[0].name)
    types: dict[str, pl.DataType] = {}
    for source in told:
        for column, carried in source.types.items():
            types[column] = _reconciled(types.get(column, carried), carried, column, source.name, notes)
    for source in told:
        missing = [column for column in types if column not in source.types]
        if missing:
            notes.append(
                f"{source.name} lacks the column {', '.join(map(repr, missing))} of the run's other files; it is null there"
            )
    return CommonColumns({column: stored(carried) for column, carried in types.items()}, tuple(notes))


def aligned(frame: pl.LazyFrame, carried: Mapping[str, pl.DataType], common: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    """A source's frame with the common columns. One that has them all in these types keeps its own order."""
    if {column: stored(kept) for column, kept in carried.items()} == dict(common):
        return frame
    columns: Iterable[pl.Expr] = (
        fitted(pl.col(column), carried[column], wanted).alias(column)
        if column in carried
        else pl.lit(None, dtype=wanted).alias(column)
        for column, wanted in common.items()
    )
    return frame.select(*columns, *AUDIT_COLUMNS)


def inexact(carried: Mapping[str, pl.DataType], common: Mapping[str, pl.DataType]) -> list[str]:
    """The columns whose whole numbers become floats, which hold those beyond 2**53 in steps only."""
    return [
        column
        for column, data_type in carried.items()
        if data_type.is_integer() and common[column].is_float() and data_type not in (pl.Int8, pl.Int16, pl.UInt8, pl.UInt16)
    ]


def require_exact(frame: pl.LazyFrame, columns: Sequence[str], *, file: str) -> None:
    """Raise DataFault for a whole number that a float cannot hold. Streams over the columns named only."""
    limit = 1 << 53
    for column in columns:
        beyond = (pl.col(column) > limit) | (pl.col(column) < -limit)
        found = frame.filter(beyond).select("_row_number", column).head(1).collect(engine="streaming")
        if found.height:
            row, value = found.row(0)
            raise DataFault(
                f"{file}: row {row}: {column!r} is {value} here and a number with a point in another file of the run, which "
                "cannot hold so many digits; deliver the column in one type, or run the files one after the other",
                file=file,
                row=row,
                column=column,
            )


def _reconciled(before: pl.DataType, carried: pl.DataType, column: str, file: str, notes: list[str]) -> pl.DataType:
    if before == carried:
        return before
    try:
        wanted = common_type(before, carried)
    except NoCommonType as error:
        raise DataFault(
            f"{file}: the column {column!r} is {carried} here and {before} in the files before, which have no type in common; "
            "deliver it in one type, or run the files one after the other",
            file=file,
            column=column,
        ) from error
    if isinstance(before, pl.Null) or isinstance(carried, pl.Null):
        return wanted
    notes.append(f"{column} is {carried} in {file} and {before} in the files before; it is {wanted} in all of them")
    return wanted
