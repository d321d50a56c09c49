"""What rebuilds and compactions made of a Silver table: which of its files are read, and which are not any more."""

from collections.abc import Callable

from pydantic import AwareDatetime, Field

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.base import Document
from flowforge.model.errors import CommitConflict
from flowforge.model.silver_config import MergeStrategy

TRIES = 10


class Rebuild(Document):
    """The last rebuild: by which strategy the table is since, and which runs are in what was made under ``key``."""

    run_id: str
    planned_at: AwareDatetime
    strategy: MergeStrategy
    key: str
    covered: tuple[str, ...]


class TableRecord(Document):
    """Stored as ``_table.json`` beside the table, which is changed by nobody who has not seen its last state.

    ``compacted`` maps the key of a compacted file to those whose rows it holds. Files of the runs that the rebuild covers,
    and those that a compacted file holds, are of the table that was, and not read.
    """

    schema_version: int = 2
    rebuild: Rebuild | None = None
    compacted: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def strategy(self) -> MergeStrategy | None:
        """The strategy that the table follows since its last rebuild; None before the first."""
        return self.rebuild.strategy if self.rebuild else None

    @property
    def replaced_files(self) -> int:
        """How many files were replaced at the most; it grows with every compaction and rebuild."""
        covered = len(self.rebuild.covered) + 1 if self.rebuild else 0
        return covered + sum(len(held) for held in self.compacted.values())

    def replaces(self, key: str, workflow_slug: str, job_slug: str) -> bool:
        """Whether the rows of a dated file of the table are held by another one."""
        if any(key in held for held in self.compacted.values()):
            return True
        if keys.is_made_of_others(key):
            return key not in self.compacted and (self.rebuild is None or key != self.rebuild.key)
        return self.rebuild is not None and keys.run_of_silver(key, workflow_slug, job_slug) in self.rebuild.covered


def read_table_record(lake: Lake, key: str) -> TableRecord:
    """The record of a table, an empty one before its first rebuild or compaction."""
    stored = lake.read(key)
    return TableRecord.model_validate_json(stored[0]) if stored else TableRecord()


def change_table_record(lake: Lake, key: str, change: Callable[[TableRecord], TableRecord]) -> None:
    """Write what ``change`` makes of the record as it is. Raises CommitConflict where others keep coming first."""
    for _ in range(TRIES):
        stored = lake.read(key)
        present = TableRecord.model_validate_json(stored[0]) if stored else TableRecord()
        changed = change(present)
        if changed == present or lake.write(key, changed.to_json(), replaces=stored[1] if stored else None):
            return
    raise CommitConflict(f"{key} was changed by others {TRIES} times in a row")
