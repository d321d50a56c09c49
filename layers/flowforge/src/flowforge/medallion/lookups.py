"""Columns of other Silver tables for the rows of this one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from flowforge.medallion.duplicates import POSITION, repeated_positions
from flowforge.medallion.expression_types import TypeMismatchError, kind_of
from flowforge.model.errors import DataFault
from flowforge.model.lookup import Lookup

SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class References:
    """What a run reads of other Silver tables: for each lookup its columns, for each referential rule its one column."""

    lookups: Mapping[str, pl.LazyFrame] = field(default_factory=dict)
    values: Mapping[str, pl.LazyFrame] = field(default_factory=dict)


def looked_up(rows: pl.LazyFrame, lookups: Sequence[Lookup], references: References) -> pl.LazyFrame:
    """The rows with the columns of each lookup behind, null where there is no match; a null key matches nothing.

    The other tables are held in memory. Raises TypeMismatchError where the keys of the two tables are of different types.
    """
    for lookup in lookups:
        table = references.lookups[lookup.name]
        ours, theirs = list(lookup.join_keys), list(lookup.join_keys.values())
        _require_same_types(rows, table, lookup)
        keys = {name: f"_key_{number}" for number, name in enumerate(theirs)}
        right = table.select(
            *(pl.col(name).alias(key) for name, key in keys.items()),
            *(pl.col(column).alias(name) for column, name in lookup.select_columns.items()),
        )
        rows = rows.join(
            right.filter(pl.all_horizontal(pl.col(key).is_not_null() for key in keys.values())),
            left_on=ours,
            right_on=list(keys.values()),
            how="left",
            build_side="force_right",
            maintain_order="left",
        )
    return rows


def _require_same_types(rows: pl.LazyFrame, table: pl.LazyFrame, lookup: Lookup) -> None:
    have, other = rows.collect_schema(), table.collect_schema()
    for ours, theirs in lookup.join_keys.items():
        if ours not in have:
            raise TypeMismatchError(f"lookup {lookup.name!r}: joinKeys names the column {ours!r}, which is not there")
        if have[ours] != other[theirs]:
            raise TypeMismatchError(
                f"lookup {lookup.name!r}: {ours} is a {_described(have[ours])}, and {theirs} of {lookup.source_table} is a "
                f"{_described(other[theirs])}; state the same dataType for both"
            )


def _described(dtype: pl.DataType) -> str:
    return f"{kind_of(dtype)} ({dtype})"


def require_unique_keys(table: pl.LazyFrame, lookup: Lookup, *, rows: int) -> None:
    """Raise DataFault naming a key that stands in the other table more than once: its row would not be one row."""
    key = list(dict.fromkeys(lookup.join_keys.values()))
    present = table.select(key).filter(pl.all_horizontal(pl.col(name).is_not_null() for name in key)).with_row_index(POSITION)
    repeated = repeated_positions(present, key, rows=rows)
    if not repeated.height:
        return
    first = present.join(repeated.head(1).lazy(), on=POSITION, how="semi", build_side="force_right").select(key)
    shown = ", ".join(f"{name}={value!s:.{SHOWN_CHARACTERS}}" for name, value in first.collect().row(0, named=True).items())
    raise DataFault(
        f"lookup {lookup.name!r}: {lookup.source_table} holds the key {shown} more than once ({repeated.height} rows of repeated "
        "keys), so it does not say which row is meant; look up by a unique key",
        column=key[0],
    )
