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
    revision: int = 0
    """How often the rows of the run were amended: by a replay of its quarantine, or by a rebuild."""

    @property
    def order(self) -> tuple[int, datetime, str, int]:
        """What decides between two runs: the later state of a shared table, the later plan, then the later amendment."""
        return self.table_version, self.planned_at, self.run_id, self.revision


def read_head(lake: Lake, key: str) -> Head | None:
    """The head of a table, or None before its first run."""
    stored = lake.read(key)
    return Head.model_validate_json(stored[0]) if stored else None


def advance_head(lake: Lake, key: str, head: Head, *, of_own_tables: bool = False) -> Literal["current", "superseded"]:
    """Make a run the table, unless a later one is it already (see ``Head.order``).

    ``of_own_tables``: from now on each run has a table of its own, so the states of a shared table before count no more.
    Raises CommitConflict where others keep coming first.
    """
    for _ in range(TRIES):
        stored = lake.read(key)
        if stored:
            present = Head.model_validate_json(stored[0])
            order = (0, *present.order[1:]) if of_own_tables else present.order
            if order > head.order:
                return "superseded"
            if present == head:
                return "current"
        if lake.write(key, head.to_json(), replaces=stored[1] if stored else None):
            return "current"
    raise CommitConflict(f"{key} was changed by other runs {TRIES} times in a row")


def amend_head(lake: Lake, key: str, head: Head, *, amends: str) -> Literal["current", "superseded"]:
    """Make an amended table of a run the table, where the one that it amends, under the key ``amends``, is that still.

    Superseded where a later run is the table. Raises CommitConflict where the same run was amended by others in between.
    """
    stored = lake.read(key)
    if stored is None:
        raise CommitConflict(f"{key} is gone", file=key)
    present = Head.model_validate_json(stored[0])
    if present.key == head.key and present.etag == head.etag:
        return "current"
    if present.order[:3] > head.order[:3]:
        return "superseded"
    if present.key not in (amends, head.key):
        raise CommitConflict(f"{key} was amended in between", file=key)
    if not lake.write(key, head.model_copy(update={"revision": present.revision + 1}).to_json(), replaces=stored[1]):
        raise CommitConflict(f"{key} was changed in between", file=key)
    return "current"
