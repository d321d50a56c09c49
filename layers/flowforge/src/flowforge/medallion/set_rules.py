"""Rules that other rows or another table decide: which positions break them, in bounded memory."""

from collections.abc import Mapping

import polars as pl

from flowforge.medallion.duplicates import POSITION, key_hash, passes_for, repeated_positions
from flowforge.medallion.expression_types import TypeMismatchError
from flowforge.model.quality_rule import QualityRule


def breaking_positions(
    frame: pl.LazyFrame, rule: QualityRule, values: Mapping[str, pl.LazyFrame], *, rows: int
) -> tuple[pl.DataFrame, int]:
    """The positions of the rows that break a rule, and how many rows were judged.

    Under ``unique`` a null is no repetition of another null. ``values`` holds the column that a referential rule looks into;
    raises TypeMismatchError where it is of another type.
    """
    columns = list(rule.columns)
    present = frame.select(POSITION, *columns).filter(pl.all_horizontal(pl.col(name).is_not_null() for name in columns))
    judged = present.select(pl.len()).collect(engine="streaming").item()
    if rule.rule_type == "unique":
        return repeated_positions(present, columns, rows=rows), judged
    missing = _without_reference(present, columns[0], values[rule.label], rule)
    if rule.null_is is None:
        return missing, judged
    nulls = frame.filter(pl.col(columns[0]).is_null()).select(POSITION).collect(engine="streaming")
    return (pl.concat([missing, nulls]) if rule.null_is == "fail" else missing), judged + nulls.height


def _without_reference(present: pl.LazyFrame, column: str, table: pl.LazyFrame, rule: QualityRule) -> pl.DataFrame:
    """The positions of the values that the other table does not hold; per pass one residue class of its hashes is in memory."""
    there = table.collect_schema().names()[0]
    ours, theirs = present.collect_schema()[column], table.collect_schema()[there]
    if ours != theirs:
        raise TypeMismatchError(
            f"rule {rule.label}: {column} is {ours}, and {there} of the other table {theirs}; state the same dataType for both"
        )
    passes = passes_for(table.select(pl.len()).collect().item())
    parts = []
    for residue in range(passes):
        here, other = _residue(present, column, passes, residue), _residue(table, there, passes, residue)
        parts.append(
            here.join(other.unique(), left_on=column, right_on=there, how="anti", build_side="force_right")
            .select(POSITION)
            .collect(engine="streaming")
        )
    return pl.concat(parts)


def _residue(frame: pl.LazyFrame, column: str, passes: int, residue: int) -> pl.LazyFrame:
    return frame.filter(key_hash([column]) % passes == residue) if passes > 1 else frame
