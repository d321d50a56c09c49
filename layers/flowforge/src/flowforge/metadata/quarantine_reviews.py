"""What people decided on rows that were set aside: a row of an object, by its number, until it was replayed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, Text, exists, func, literal_column, null, select, update
from sqlalchemy.dialects.postgresql import insert

from flowforge.metadata import audit
from flowforge.metadata.audit import Actor
from flowforge.metadata.refusals import InUse
from flowforge.metadata.schema import quarantine_reviews, start_wishes
from flowforge.metadata.schema.quality import ReviewStatus
from flowforge.metadata.schema.runs import WishStatus
from flowforge.model.errors import ConfigFault

ENTITY = "quarantine"


@dataclass(frozen=True)
class QuarantineObject:
    """An object of a job's quarantine, as it was seen."""

    workflow_id: str
    job_id: str
    object_key: str
    object_etag: str
    execution_id: str | None = None


Values = Mapping[str, str | None]


def review(
    connection: Connection,
    actor: Actor,
    quarantine: QuarantineObject,
    rows: Iterable[int],
    status: ReviewStatus,
    *,
    fixed_values: Mapping[int, Values] | None = None,
    note: str = "",
) -> None:
    """Decide on rows by their numbers, or decide anew: two queries, and a line of the audit log for all of them.

    ``fixed_values`` has the values of every row where the status is ``fixed``, and is left out otherwise; raises ConfigFault
    where that is not so. Raises InUse for a row that was replayed. The values are data, so the audit log has none.
    """
    numbers, fixes = sorted(set(rows)), fixed_values or {}
    if not numbers:
        raise ConfigFault("no row is named", option="rows")
    without = [number for number in numbers if bool(fixes.get(number)) is not (status is ReviewStatus.FIXED)]
    if without or set(fixes) - set(numbers):
        raise ConfigFault(
            "a row is fixed by values, and by nothing else: state values of each row with 'fixed' and leave them out otherwise",
            option="values",
        )
    c = quarantine_reviews.c
    of_them = (c.object_key == quarantine.object_key) & c.row_number.in_(numbers)
    query = select(quarantine_reviews, _is_replayed().label("is_replayed")).where(of_them).order_by(c.id)
    before = list(connection.execute(query.with_for_update()).mappings())
    for known in before:
        if known["is_replayed"]:
            raise InUse(
                f"row {known['row_number']} of {quarantine.object_key} was replayed by {known['replay_execution_id']}: "
                "that cannot be undone"
            )
    decided = {"status": status, "note": note, "reviewed_by": actor.name}
    values = [
        {**vars(quarantine), **decided, "row_number": number, "fixed_values": dict(fixes[number]) if number in fixes else None}
        for number in numbers
    ]
    statement = insert(quarantine_reviews).values(values)
    told = {name: statement.excluded[name] for name in (*decided, "fixed_values", "object_etag")}
    kept = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["object_key", "row_number"],
            set_={**told, "replay_execution_id": null(), "reviewed_at": func.now()},
            where=~_is_replayed(),
        )
    )
    if kept.rowcount != len(numbers):
        raise InUse(f"rows of {quarantine.object_key} were replayed in between: look at them again")
    audit.write(
        connection,
        actor,
        "review",
        (ENTITY, quarantine.object_key),
        before={"rows": {str(known["row_number"]): known["status"] for known in before}},
        after={"rows": numbers, "status": status, "note": note},
    )


def rows_to_replay(connection: Connection, object_key: str) -> list[RowMapping]:
    """The rows of an object that are approved or fixed and were not replayed, held until the transaction ends."""
    c = quarantine_reviews.c
    query = select(quarantine_reviews).where(c.object_key == object_key, _waits_for_replay()).order_by(c.row_number)
    return list(connection.execute(query.with_for_update()).mappings())


def mark_replayed(connection: Connection, object_key: str, row_numbers: list[int], replay_execution_id: str) -> int:
    """Take note that rows go through again in an execution; how many of them were to go, and had not gone before."""
    c = quarantine_reviews.c
    of_them = (c.object_key == object_key) & c.row_number.in_(row_numbers)
    moved = update(quarantine_reviews).where(of_them, _waits_for_replay()).values(replay_execution_id=replay_execution_id)
    return connection.execute(moved).rowcount


def _waits_for_replay() -> ColumnElement[bool]:
    return quarantine_reviews.c.status.in_((ReviewStatus.APPROVED, ReviewStatus.FIXED)) & ~_is_replayed()


def _is_replayed() -> ColumnElement[bool]:
    """Whether an execution was wished for a row, and the wish did not come to nothing."""
    came_to_nothing = start_wishes.c.status.in_((WishStatus.SKIPPED, WishStatus.REFUSED, WishStatus.CANCELLED))
    replayed_by = literal_column("quarantine_reviews.replay_execution_id", Text)
    nothing = exists().where(start_wishes.c.execution_id == replayed_by, came_to_nothing)
    return replayed_by.is_not(None) & ~nothing


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
