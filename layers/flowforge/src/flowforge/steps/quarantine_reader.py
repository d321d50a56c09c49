"""Rows that were set aside, by their numbers in the object that holds them, from 1: what people look at and decide on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.medallion.silver import FAILED_RULES, REASON
from flowforge.model.names import RESERVED_PREFIX
from flowforge.steps.attempt import scan
from flowforge.steps.engine_errors import engine_errors

NUMBER = "_number"
OF_MALFORMED = ("_line", "_raw_text")
"""What is known of a record that could not be read."""


@dataclass(frozen=True)
class SetAside:
    """One row: where it comes from, why it is here, and its values by column."""

    number: int
    source_file: str
    row_number: int
    reason: str
    failed_rules: Sequence[str]
    values: dict[str, object]


class QuarantineReader:
    """One object of a quarantine. Its methods raise the engine's errors as the tree has them."""

    def __init__(self, lake: Lake, key: str) -> None:
        self._lake = lake
        self.key = key
        self.is_malformed = keys.holds_malformed(key)

    def rows(self) -> pl.LazyFrame:
        """All rows with their numbers."""
        return scan(self._lake, self.key).with_row_index(NUMBER, offset=1)

    def columns(self) -> list[str]:
        """The columns of the data, or what is known of malformed records."""
        with engine_errors(f"{self.key} could not be read"):
            names = scan(self._lake, self.key).collect_schema().names()
        return [*OF_MALFORMED] if self.is_malformed else [name for name in names if not name.startswith(RESERVED_PREFIX)]

    def total(self) -> int:
        """How many rows there are, by the footer."""
        with engine_errors(f"{self.key} could not be read"):
            return int(scan(self._lake, self.key).select(pl.len()).collect().item())

    def page(
        self, *, offset: int, limit: int, only: Collection[int] | None = None, without: Collection[int] = ()
    ) -> list[SetAside]:
        """Rows in the order of their numbers; of ``only`` some numbers, or all but those ``without``."""
        rows = self.rows()
        if only is not None:
            rows = rows.filter(pl.col(NUMBER).is_in(list(only)))
        elif without:
            rows = rows.filter(~pl.col(NUMBER).is_in(list(without)))
        columns = self.columns()
        with engine_errors(f"{self.key} could not be read"):
            found = rows.slice(offset, limit).collect(engine="streaming")
        return [
            SetAside(
                number=row[NUMBER],
                source_file=row["_source_file"],
                row_number=row["_row_number"],
                reason=row.get(REASON) or "",
                failed_rules=row.get(FAILED_RULES) or (),
                values={name: row[name] for name in columns},
            )
            for row in found.iter_rows(named=True)
        ]
