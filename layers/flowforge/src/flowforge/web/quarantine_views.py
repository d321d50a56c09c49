"""Rows that were set aside as the API shows them, and what people decide on them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, JsonValue
from sqlalchemy import RowMapping

from flowforge.lake import keys
from flowforge.metadata.quarantine_list import Holding
from flowforge.metadata.schema.quality import ReviewStatus
from flowforge.metadata.schema.runs import WishStatus
from flowforge.model.base import Document
from flowforge.model.run_status import JobStatus
from flowforge.model.step import Step
from flowforge.steps.quarantine_reader import SetAside
from flowforge.web.json_values import json_value

MOST_ROWS = 1000
Key = Annotated[str, Field(min_length=1, max_length=1024)]
RowNumber = Annotated[int, Field(ge=1, le=2**53)]
Numbers = Annotated[list[RowNumber], Field(min_length=1, max_length=MOST_ROWS)]
Values = Annotated[dict[str, str | None], Field(min_length=1, max_length=1000)]
Note = Annotated[str, Field(max_length=2000)]


class QuarantineView(Document):
    """An object of the quarantine. ``quarantined`` rows wait for a decision; ``replayed`` ones went through again.

    ``isRefused``: the whole run was refused because of these rows, so they are mended by running their file again.
    """

    key: str
    holds: Holding
    workflow_id: str
    workflow_name: str
    job_id: str
    job_name: str
    execution_id: str
    run_id: str | None
    step: Step
    is_refused: bool
    created_at: datetime
    size: int | None
    rows: int
    quarantined: int
    approved: int
    fixed: int
    rejected: int
    replayed: int

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row."""
        same = (
            *("key", "workflow_id", "workflow_name", "job_id", "job_name", "execution_id", "run_id", "step", "created_at"),
            *("rows", "approved", "fixed", "rejected", "replayed"),
        )
        decided = sum(row[name] for name in ("approved", "fixed", "rejected", "replayed"))
        return cls(
            **{name: row[name] for name in same},
            holds=Holding.MALFORMED if keys.holds_malformed(row["key"]) else Holding.ROWS,
            is_refused=row["step_status"] is JobStatus.FAILED,
            size=row["size_bytes"],
            quarantined=row["rows"] - decided,
        )


class QuarantineList(Document):
    """A page of objects, newest first; ``totalRows`` are those of all pages."""

    quarantines: list[QuarantineView]
    total_rows: int
    pagination: dict[str, int]


class ReviewView(Document):
    """What a person decided on a row."""

    status: ReviewStatus
    fixed_values: dict[str, str | None] | None
    note: str
    reviewed_by: str
    reviewed_at: datetime
    replay_execution_id: str | None

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row."""
        return cls(**{name: row[name] for name in cls.model_fields})


class QuarantinedRowView(Document):
    """A row: its number in the object, where it comes from, why it is here, its values, and what was decided on it."""

    number: int
    source_file: str
    row_number: int
    reason: str
    failed_rules: list[str]
    values: dict[str, JsonValue]
    status: ReviewStatus
    review: ReviewView | None

    @classmethod
    def of(cls, row: SetAside, review: RowMapping | None) -> Self:
        """Show a row with its review."""
        return cls(
            number=row.number,
            source_file=row.source_file,
            row_number=row.row_number,
            reason=row.reason,
            failed_rules=list(row.failed_rules),
            values={name: json_value(value) for name, value in row.values.items()},
            status=review["status"] if review else ReviewStatus.QUARANTINED,
            review=ReviewView.of(review) if review else None,
        )


class QuarantinedRows(Document):
    """A page of the rows of an object, by their numbers."""

    key: str
    columns: list[str]
    rows: list[QuarantinedRowView]
    pagination: dict[str, int]


class Decision(Document):
    """Rows of an object by their numbers."""

    key: Key
    rows: Numbers
    note: Note = ""


class RowFix(Document):
    """The values that replace those of a row's columns of Bronze; null makes a cell empty."""

    number: RowNumber
    values: Values


class FixDecision(Document):
    """Rows of an object with the values that they are to have."""

    key: Key
    fixes: Annotated[list[RowFix], Field(min_length=1, max_length=MOST_ROWS)]
    note: Note = ""

    def by_number(self) -> dict[int, dict[str, str | None]]:
        """The values by the rows' numbers; of a row that stands there twice, those of the last."""
        return {fix.number: fix.values for fix in self.fixes}


class ReplayRequest(Document):
    """Take the approved and fixed rows of an object through again: all that wait for it, or some by their numbers."""

    key: Key
    rows: Numbers | None = None


class Decided(Document):
    """How many rows of an object were decided on, and what they are now."""

    success: bool = True
    key: str
    rows: int
    status: ReviewStatus


class Replayed(Document):
    """The execution that takes rows through again, or will, once its wish has its turn."""

    success: bool = True
    execution_id: str
    workflow_id: str
    rows: int
    status: WishStatus


def unknown_columns(fixes: Sequence[RowFix], columns: Sequence[str]) -> list[str]:
    """The columns that fixes name and an object has not."""
    return sorted({name for fix in fixes for name in fix.values} - set(columns))
