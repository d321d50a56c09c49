"""Which of two rows of one key stays: a total order of rows, so that merges commute and a repeated run changes nothing.

Rows are ordered by their arrival: ``_ingested_at``, ``_run_id``, the file's place in its run, ``_row_number``. The policy says
whether the last or the first one stays, or puts a column before the arrival, whose null is below every value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from flowforge.model.silver_config import ConflictResolution, SilverConfig

FileRanks = Mapping[str, int]
"""The place of a file in its run, by ``{run id}/{file name}``; a run of one file needs none."""
_ORDER = "_order_"


@dataclass(frozen=True)
class ConflictPolicy:
    """A policy with what it needs to know of the files."""

    resolution: ConflictResolution = ConflictResolution.SOURCE_WINS
    column: str | None = None
    file_ranks: FileRanks = field(default_factory=dict)

    @classmethod
    def of(cls, config: SilverConfig, file_ranks: FileRanks | None = None) -> "ConflictPolicy":
        """The policy of a table."""
        return cls(config.conflict_resolution, config.conflict_column, file_ranks or {})

    @property
    def keep(self) -> Literal["first", "last"]:
        """Which row of a key stays, in the order of ``columns``."""
        return "first" if self.resolution is ConflictResolution.TARGET_WINS else "last"

    def columns(self) -> list[pl.Expr]:
        """What rows are ordered by, the most important first, under the names of ``names``."""
        stated = [pl.col(self.column)] if self.column is not None else []
        expressions = [*stated, *arrival_order(self.file_ranks)]
        return [expression.alias(f"{_ORDER}{number}") for number, expression in enumerate(expressions)]

    @property
    def names(self) -> list[str]:
        """The names of ``columns``."""
        return [f"{_ORDER}{number}" for number in range(len(self.columns()))]

    def displaces(self, suffix: str) -> pl.Expr:
        """Whether the row of the columns without the suffix stays against the one with it; of equal rows it does not."""
        left, right = [pl.col(name) for name in self.names], [pl.col(f"{name}{suffix}") for name in self.names]
        return _greater(right, left) if self.keep == "first" else _greater(left, right)


def arrival_order(file_ranks: FileRanks) -> list[pl.Expr]:
    """The columns by which rows arrived."""
    place = pl.concat_str([pl.col("_run_id"), pl.lit("/"), pl.col("_source_file")])
    rank = place.replace_strict(dict(file_ranks), default=0, return_dtype=pl.Int64) if file_ranks else pl.lit(0, pl.Int64)
    return [pl.col("_ingested_at"), pl.col("_run_id"), rank, pl.col("_row_number")]


def _greater(left: Sequence[pl.Expr], right: Sequence[pl.Expr]) -> pl.Expr:
    """Whether one list of values comes after another, the first difference decides."""
    answer = pl.lit(False)
    for one, other in reversed(list(zip(left, right, strict=True))):
        above = pl.when(other.is_null()).then(one.is_not_null()).otherwise((one > other).fill_null(False))
        answer = above | (one.eq_missing(other) & answer)
    return answer
