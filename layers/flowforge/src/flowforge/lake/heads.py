"""Heads: which run is the table now. A head never goes back to an earlier state of its table, nor to an earlier plan."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime

from flowforge.lake.lake import Lake
from flowforge.model.base import Document
from flowforge.model.errors import CommitConflict

TRIES = 10


class Head(Document):
    """The run that a table shows, stored as ``_head.json`` beside its dated folders."""

    schema_version: Literal[1] = 1
    run_id: str
    key: str
    etag: str
    rows: int
    contract_version: int | None
    planned_at: AwareDatetime
    table_version: int = 0
    """The state of the table that many runs share from which the rows were made; 0 where each run has its own."""

    @property
    def order(self) -> tuple[int, datetime, str]:
        """What decides between two runs: the later state of a shared table, then the later plan."""
        return self.table_version, self.planned_at, self.run_id


def read_head(lake: Lake, key: str) -> Head | None:
    """The head of a table, or None before its first run."""
    stored = lake.read(key)
    return Head.model_validate_json(stored[0]) if stored else None


def advance_head(lake: Lake, key: str, head: Head) -> Literal["current", "superseded"]:
    """Make a run the table, unless a later one is it already (see ``Head.order``).

    Raises CommitConflict where others keep coming first.
    """
    for _ in range(TRIES):
        stored = lake.read(key)
        if stored:
            present = Head.model_validate_json(stored[0])
            if present.order > head.order:
                return "superseded"
            if present == head:
                return "current"
        if lake.write(key, head.to_json(), replaces=stored[1] if stored else None):
            return "current"
    raise CommitConflict(f"{key} was changed by other runs {TRIES} times in a row")
