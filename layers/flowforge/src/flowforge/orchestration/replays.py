"""Replays: which rows of a quarantine go through again, laid down where their execution finds them."""

from collections.abc import Iterable, Sequence

from flowforge.lake import keys
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.metadata import audit
from flowforge.metadata.audit import Actor
from flowforge.metadata.database import Database
from flowforge.metadata.quarantine_reviews import ENTITY, QuarantineObject, mark_replayed, rows_to_replay
from flowforge.metadata.refusals import Changed, InUse
from flowforge.metadata.schema.runs import WishStatus
from flowforge.metadata.wishes import Wish
from flowforge.model.replay import Replay, ReplayedRow
from flowforge.model.start import StartRequest, Trigger, TriggerType
from flowforge.orchestration.run_door import RunDoor

CAME_TO_NOTHING = (WishStatus.SKIPPED, WishStatus.REFUSED, WishStatus.CANCELLED)


def store_replay(lake: Lake, workflow_id: str, job_id: str, seen: ObjectVersion, rows: Iterable[ReplayedRow]) -> str:
    """Lay down a replay of rows of an object as it was seen; its key. The same rows with the same values have the same key."""
    chosen = tuple(sorted(rows, key=lambda row: row.number))
    replay = Replay(workflow_id=workflow_id, job_id=job_id, quarantine_key=seen.key, quarantine_etag=seen.etag, rows=chosen)
    key = keys.replay_key(replay.execution_id)
    lake.overwrite(key, replay.to_json())
    return key


def replay_reviewed(
    database: Database,
    lake: Lake,
    door: RunDoor,
    actor: Actor,
    quarantine: QuarantineObject,
    seen: ObjectVersion,
    only: Sequence[int] | None = None,
) -> tuple[Wish, int]:
    """Wish for the replay of an object's approved and fixed rows, all of them or ``only`` some; the wish, and how many rows.

    Asked again before it is noted that they were replayed, it is the same wish. Raises InUse where a row is not to be replayed,
    Changed where the object is not the one that was decided on, and as ``RunDoor.request``.
    """
    with database.transaction() as connection:
        waiting = {int(row["row_number"]): row for row in rows_to_replay(connection, quarantine.object_key)}
    numbers = sorted(waiting) if only is None else sorted(set(only))
    others = [number for number in numbers if number not in waiting]
    if others or not numbers:
        which = f"row {others[0]}" if others else "no row"
        raise InUse(f"{which} of {seen.key} is approved or fixed and waits for its replay: decide on rows first")
    for number in numbers:
        if waiting[number]["object_etag"] != seen.etag:
            raise Changed(f"{seen.key} was replaced since row {number} was decided on: look at it again, and decide anew")
    rows = [ReplayedRow(number=number, values=waiting[number]["fixed_values"] or {}) for number in numbers]
    key = store_replay(lake, quarantine.workflow_id, quarantine.job_id, seen, rows)
    wish = _wished(door, actor, quarantine.workflow_id, key, f"{len(rows)} rows of {seen.key}")
    with database.transaction() as connection:
        mark_replayed(connection, seen.key, numbers, wish.execution_id)
        after = {"rows": numbers, "executionId": wish.execution_id}
        audit.write(connection, actor, "replay", (ENTITY, seen.key), after=after)
    return wish, len(rows)


def _wished(door: RunDoor, actor: Actor, workflow_id: str, key: str, detail: str) -> Wish:
    """The wish for a replay; where an earlier one came to nothing, since the workflow was busy, a new one."""
    attempt = 1
    while True:
        request = StartRequest(
            workflow_id=workflow_id,
            replay=key,
            idempotency_key=key if attempt == 1 else f"{key}#{attempt}",
            trigger=Trigger(type=TriggerType.MANUAL, detail=detail),
        )
        wish = door.request(request, actor)
        if wish.status not in CAME_TO_NOTHING:
            return wish
        attempt += 1
