"""What a step is asked and what it answers, the same on every tier."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from flowforge.model.base import Document
from flowforge.model.lineage import Lineage
from flowforge.model.names import Identifier
from flowforge.model.reconciliation import ReconciliationOutcome


class Step(StrEnum):
    """The three steps of a job, named as the functions that run them."""

    BRONZE_INGEST = "bronze_ingest"
    SILVER_TRANSFORM = "silver_transform"
    GOLD_PUBLISH = "gold_publish"


class StepRequest(Document):
    """The payload of a step: ids and a pointer, nothing that could differ between two tries."""

    schema_version: Literal[1]
    execution_id: Identifier
    job_id: Identifier
    step: Step
    plan_key: str


class BronzeCounts(Document):
    """``read = written + malformed``, in records of the source files; ``read`` is counted apart from the writer."""

    read: int
    written: int
    malformed: int = 0

    def broken_equations(self) -> list[str]:
        """The equations that do not hold, written out with their numbers."""
        return broken([("read = written + malformed", self.read, self.written + self.malformed)])


class SilverCounts(Document):
    """What became of each row that Silver read, and what that did to the table.

    ``versions`` is None where a key has one row. In a history it is how many versions it gained: a key that is ``updated``
    adds one, and a ``deleted`` one keeps those it has.
    """

    read: int
    accepted: int
    duplicates: int
    quarantined: int
    filtered: int = 0
    inserted: int
    updated: int
    unchanged: int
    stale: int
    deleted: int = 0
    versions: int | None = None
    before: int
    after: int

    def broken_equations(self) -> list[str]:
        """The equations that do not hold, written out with their numbers."""
        return broken(
            [
                (
                    "read = accepted + duplicates + quarantined + filtered",
                    self.read,
                    self.accepted + self.duplicates + self.quarantined + self.filtered,
                ),
                (
                    "accepted = inserted + updated + unchanged + stale",
                    self.accepted,
                    self.inserted + self.updated + self.unchanged + self.stale,
                ),
                self._growth(),
            ]
        )

    def _growth(self) -> tuple[str, int, int]:
        if self.versions is not None:
            return "after = before + versions", self.after, self.before + self.versions
        return "after = before + inserted - deleted", self.after, self.before + self.inserted - self.deleted


class GoldCounts(Document):
    """``read`` rows of Silver became ``written`` rows, whose group counts sum to ``represented``."""

    read: int
    written: int
    represented: int

    def broken_equations(self) -> list[str]:
        """The equations that do not hold, written out with their numbers."""
        return broken([("read = sum of the group counts", self.read, self.represented)])


class GoldSqlCounts(Document):
    """A statement ``loaded`` the ``read`` rows of its tables, gave ``selected`` rows, and as many were ``written``.

    ``read`` and ``written`` come from the footers of objects in the lake, ``loaded`` and ``selected`` from the engine that runs
    the statement.
    """

    read: int
    loaded: int
    selected: int
    written: int

    def broken_equations(self) -> list[str]:
        """The equations that do not hold, written out with their numbers."""
        return broken([("read = loaded", self.read, self.loaded), ("written = selected", self.written, self.selected)])


Counts = BronzeCounts | SilverCounts | GoldCounts | GoldSqlCounts
"""What a step counted."""


def broken(equations: list[tuple[str, int, int]]) -> list[str]:
    """The equations whose sides differ, each with its numbers."""
    return [f"{text}: {left} is not {right}" for text, left, right in equations if left != right]


class PublishedObject(Document):
    """An object that a step published, and what it is."""

    role: Literal["bronze", "silver", "gold", "quarantine", "archive"]
    key: str
    etag: str
    rows: int
    size_bytes: int


class RuleOutcome(Document):
    """How many rows broke a rule, of how many that it could be held to: a null is often neither right nor wrong.

    ``checked`` is None for casts and keys, which every row is held to.
    """

    rule: str
    column: str
    severity: str
    failed: int
    checked: int | None = None


class StepResult(Document):
    """What a step did. Stored under ``runs/``; a step whose result lies there returns it at once.

    ``table_version`` grows with each state of a Silver table that many runs share: the one that Silver left, or that Gold
    read. None where a run's rows are a table of their own. ``lineage`` is stored beside the result.
    """

    schema_version: Literal[1] = 1
    execution_id: str
    job_id: str
    run_id: str
    step: Step
    planned_at: AwareDatetime
    counts: Annotated[Counts, Field(union_mode="left_to_right")]
    outputs: tuple[PublishedObject, ...]
    head: Literal["current", "superseded", "none"] = "none"
    table_version: int | None = None
    contract_version: int | None = None
    rules: tuple[RuleOutcome, ...] = ()
    reconciliation: tuple[ReconciliationOutcome, ...] = ()
    notes: tuple[str, ...] = ()
    lineage: Lineage = Lineage()
    read_bytes: int
    duration_seconds: float
    finished_at: AwareDatetime | None = None

    def outputs_of(self, role: str) -> tuple[PublishedObject, ...]:
        """The objects of that role, in their order."""
        return tuple(item for item in self.outputs if item.role == role)

    def output(self, role: str) -> PublishedObject | None:
        """The first object of that role, or None."""
        return next((item for item in self.outputs if item.role == role), None)
