"""What the last rebuild made of a Silver table: by which strategy it is since, and which runs are in what was rebuilt."""

from pydantic import AwareDatetime

from flowforge.lake.lake import Lake
from flowforge.model.base import Document
from flowforge.model.errors import CommitConflict
from flowforge.model.silver_config import MergeStrategy

TRIES = 10


class TableRecord(Document):
    """Stored as ``_table.json`` beside the table. Files of the covered runs are of the table that was, and not read."""

    schema_version: int = 1
    run_id: str
    planned_at: AwareDatetime
    strategy: MergeStrategy
    key: str
    covered: tuple[str, ...]


def read_table_record(lake: Lake, key: str) -> TableRecord | None:
    """The record of a table, or None before its first rebuild."""
    stored = lake.read(key)
    return TableRecord.model_validate_json(stored[0]) if stored else None


def write_table_record(lake: Lake, key: str, record: TableRecord) -> None:
    """Record a rebuild, unless a later one is recorded. Raises CommitConflict where others keep coming first."""
    for _ in range(TRIES):
        stored = lake.read(key)
        present = TableRecord.model_validate_json(stored[0]) if stored else None
        if present and (present.planned_at, present.run_id) >= (record.planned_at, record.run_id):
            return
        if lake.write(key, record.to_json(), replaces=stored[1] if stored else None):
            return
    raise CommitConflict(f"{key} was changed by other rebuilds {TRIES} times in a row")
