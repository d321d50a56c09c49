"""Replays: which rows of a quarantine go through again, laid down where their execution finds them."""

from collections.abc import Iterable

from flowforge.lake import keys
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.model.replay import Replay, ReplayedRow


def store_replay(lake: Lake, workflow_id: str, job_id: str, seen: ObjectVersion, rows: Iterable[ReplayedRow]) -> str:
    """Lay down a replay of rows of an object as it was seen; its key. The same rows with the same values have the same key."""
    chosen = tuple(sorted(rows, key=lambda row: row.number))
    replay = Replay(workflow_id=workflow_id, job_id=job_id, quarantine_key=seen.key, quarantine_etag=seen.etag, rows=chosen)
    key = keys.replay_key(replay.execution_id)
    lake.overwrite(key, replay.to_json())
    return key
