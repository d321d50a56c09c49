"""What people decided on rows that were set aside: a row of an object, by its number, until it was replayed."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert

from flowforge.metadata import audit
from flowforge.metadata.audit import Actor
from flowforge.metadata.refusals import InUse
from flowforge.metadata.schema import quarantine_reviews
from flowforge.metadata.schema.quality import ReviewStatus
from flowforge.model.errors import ConfigFault

ENTITY = "quarantined row"


@dataclass(frozen=True)
class QuarantinedRow:
    """A row of the quarantine: its object as it was seen, and the row's number in it, from 1."""

    workflow_id: str
    job_id: str
    object_key: str
    object_etag: str
    row_number: int
    execution_id: str | None = None


def review(
    connection: Connection,
    actor: Actor,
    row: QuarantinedRow,
    status: ReviewStatus,
    *,
    fixed_values: Mapping[str, str | None] | None = None,
    note: str = "",
) -> None:
    """Decide on a row, or decide anew. ``fixed_values`` go with the status ``fixed`` and with no other.

    Raises ConfigFault where they do not, and InUse for a row that was replayed. The values are data, so the audit log has none.
    """
    if (status is ReviewStatus.FIXED) != bool(fixed_values):
        raise ConfigFault(
            "a row is fixed by values, and by nothing else: state values with 'fixed' and leave them out otherwise",
            option="values",
        )
    c = quarantine_reviews.c
    mine = (c.object_key == row.object_key) & (c.row_number == row.row_number)
    before = connection.execute(select(quarantine_reviews).where(mine).with_for_update()).mappings().first()
    if before is not None and before["replay_execution_id"] is not None:
        raise InUse(
            f"row {row.row_number} of {row.object_key} was replayed by {before['replay_execution_id']}: that cannot be undone"
        )
    decided = {
        "status": status,
        "fixed_values": None if fixed_values is None else dict(fixed_values),
        "note": note,
        "reviewed_by": actor.name,
        "object_etag": row.object_etag,
    }
    statement = insert(quarantine_reviews).values(**vars(row) | decided)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["object_key", "row_number"],
            set_={**{name: statement.excluded[name] for name in decided}, "reviewed_at": func.now()},
        )
    )
    audit.write(
        connection,
        actor,
        "review",
        (ENTITY, f"{row.object_key}#{row.row_number}"),
        before=None if before is None else {"status": before["status"], "note": before["note"]},
        after={"status": status, "note": note},
    )


def mark_replayed(connection: Connection, object_key: str, row_numbers: list[int], replay_execution_id: str) -> int:
    """Take note that rows go through again in an execution; how many of them were to go, and had not gone before."""
    c = quarantine_reviews.c
    waiting = c.status.in_((ReviewStatus.APPROVED, ReviewStatus.FIXED)) & c.replay_execution_id.is_(None)
    of_them = (c.object_key == object_key) & c.row_number.in_(row_numbers)
    moved = update(quarantine_reviews).where(of_them, waiting).values(replay_execution_id=replay_execution_id)
    return connection.execute(moved).rowcount


def reviews_of(connection: Connection, object_key: str) -> dict[int, RowMapping]:
    """The reviews of an object's rows, by the rows' numbers; a row without one is quarantined."""
    c = quarantine_reviews.c
    query = select(quarantine_reviews).where(c.object_key == object_key).order_by(c.row_number)
    return {row["row_number"]: row for row in connection.execute(query).mappings()}


def reviews_by_status(connection: Connection, workflow_id: str, job_id: str) -> dict[ReviewStatus, int]:
    """How many rows of a job were decided on, by status."""
    c = quarantine_reviews.c
    query = select(c.status, func.count()).where(c.workflow_id == workflow_id, c.job_id == job_id).group_by(c.status)
    return {row[0]: int(row[1]) for row in connection.execute(query)}
