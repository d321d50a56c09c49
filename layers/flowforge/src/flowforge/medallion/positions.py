"""Rows by their place in the input: which of them meet a condition, and the frame of them alone."""

from collections.abc import Mapping

import polars as pl

from flowforge.medallion.duplicates import POSITION

MAX_POSITIONS_HELD = 1_000_000
"""A few dozen megabytes in a join. Rows beyond them are told by their conditions in each pass, which casts every column again."""


def no_positions(frame: pl.LazyFrame) -> pl.DataFrame:
    """None, of the type that they have in the frame."""
    return pl.DataFrame(schema={POSITION: frame.collect_schema()[POSITION]})


def only(frame: pl.LazyFrame, positions: pl.DataFrame) -> pl.LazyFrame:
    """The rows of the frame at these positions, in its order."""
    return frame.join(positions.lazy(), on=POSITION, how="semi", build_side="force_right", maintain_order="left")


def counts_and_positions(
    frame: pl.LazyFrame, conditions: Mapping[str, pl.Expr], wanted: str
) -> tuple[dict[str, int], pl.DataFrame | None]:
    """How many rows meet each condition, and the positions of those that meet ``wanted``: one pass over the frame.

    Positions that are more than ``MAX_POSITIONS_HELD`` are not given. A condition is never null, and has a value for each row.
    """
    # As columns the conditions are worked out once, and not for every place where they count.
    met = frame.select(POSITION, *(condition.alias(name) for name, condition in conditions.items()))
    chosen = met.filter(pl.col(wanted)).select(POSITION).head(MAX_POSITIONS_HELD + 1)
    counts, positions = pl.collect_all([met.select(pl.exclude(POSITION).sum()), chosen], engine="streaming")
    held = positions.sort(POSITION) if positions.height <= MAX_POSITIONS_HELD else None
    return counts.row(0, named=True), held
