"""Which type holds what a contract holds and what a run brings.

Widening keeps every value as it was: integers become floats or decimals, decimals get more digits, dates become the midnights
they begin with, and anything becomes text.
"""

from collections.abc import Sequence

import polars as pl

from flowforge.medallion.casts import ISO_TIMESTAMPS
from flowforge.medallion.type_candidates import ISO_FORMS
from flowforge.medallion.typed_casts import TEXT, cast_value, value_misfit
from flowforge.model.contract import MAX_DECIMAL_PRECISION, ContractColumn, DataType, Type


def wider(present: DataType, run: DataType) -> DataType:
    """The narrowest type for the values of both; ``run`` is the type that a run's values alone have."""
    match present.type, run.type:
        case Type.INTEGER, Type.FLOAT:
            return DataType(type=Type.FLOAT)
        case (Type.INTEGER, Type.DECIMAL) | (Type.DECIMAL, Type.INTEGER | Type.DECIMAL):
            return _decimal(present, run)
        case Type.DATE, Type.TIMESTAMP if not run.has_zone and _date_form(run) == present.format:
            return run
        case Type.TIMESTAMP, Type.TIMESTAMP if present.has_zone == run.has_zone and _is_iso(present) and _is_iso(run):
            return DataType(type=Type.TIMESTAMP, zoned=present.has_zone)
        case _:
            return TEXT


def _decimal(one: DataType, two: DataType) -> DataType:
    """A decimal with the digits of both before and behind the point; text where those are more than a decimal has."""
    scale = max(one.scale or 0, two.scale or 0)
    whole = max(_whole_digits(one), _whole_digits(two))
    if whole + scale > MAX_DECIMAL_PRECISION:
        return TEXT
    return DataType(type=Type.DECIMAL, precision=whole + scale, scale=scale)


INTEGER_DIGITS = 19
"""Of the greatest 64-bit integer."""


def _whole_digits(data_type: DataType) -> int:
    return INTEGER_DIGITS if data_type.type is Type.INTEGER else (data_type.precision or 0) - (data_type.scale or 0)


def _date_form(data_type: DataType) -> str | None:
    """The form of the date in a timestamp's; None for one that Bronze carries."""
    form = data_type.format or ISO_TIMESTAMPS[0]
    return form.split("T%H")[0].split(" %")[0]


def _is_iso(data_type: DataType) -> bool:
    return data_type.format is None or data_type.format in ISO_FORMS


def misfitting(frame: pl.LazyFrame, columns: Sequence[ContractColumn]) -> set[str]:
    """The names in Bronze of the columns that have a value which does not fit the contract: one streaming pass."""
    schema = frame.collect_schema()
    conditions = []
    for column in columns:
        value, dtype = pl.col(column.source), schema[column.source]
        typed = cast_value(value, dtype, column.data_type, declared=column.declared)
        conditions.append(value_misfit(value, dtype, typed).any().alias(column.source))
    row = frame.select(conditions).collect(engine="streaming").row(0, named=True)
    return {name for name, any_misfit in row.items() if any_misfit}
