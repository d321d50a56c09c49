"""Executions and the records of their logs: how one becomes the other, in both directions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowforge.local.states.execution import Execution, Status
from flowforge.local.states.history import Event
from flowforge.local.states.journal import Record
from flowforge.local.states.memory import Departure, Left

_LAST_EVENTS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


@dataclass
class Restored:
    """What a log tells. ``start`` is None where the log does not even tell that, as after a crash in its first line."""

    start: Mapping[str, Any] | None = None
    events: list[Event] = field(default_factory=list)
    left: dict[str, Left] = field(default_factory=dict)
    waits: dict[str, datetime] = field(default_factory=dict)
    ending: Mapping[str, Any] | None = None


def start_record(execution: Execution) -> Record:
    """What an execution begins with, its state machine as it is now included."""
    machine = execution.machine
    return {
        "record": "started",
        "arn": execution.arn,
        "name": execution.name,
        "input": execution.input_text,
        "started": execution.started.isoformat(),
        "machine": {
            "arn": machine.arn,
            "name": machine.name,
            "role_arn": machine.role_arn,
            "text": machine.text,
            "created": machine.created.isoformat(),
            "updated": machine.updated.isoformat(),
            "revision": machine.revision,
            "version_arn": machine.version_arn,
            "alias_arn": machine.alias_arn,
        },
    }


def event_record(event: Event) -> Record:
    """An event of a history."""
    return {
        "record": "event",
        "id": event.id,
        "previous_id": event.previous_id,
        "kind": event.kind,
        "time": event.timestamp.isoformat(),
        "key": event.key,
        "details": dict(event.details),
    }


def read_records(records: Iterable[Record]) -> Restored:
    """What the records of one log tell."""
    restored = Restored()
    for record in records:
        match record["record"]:
            case "started":
                restored.start = record
            case "event":
                # A run after a crash may have written an event anew.
                del restored.events[record["id"] - 1 :]
                restored.events.append(_event(record))
            case "left":
                departure = Departure(record["next"], record["output"], record["assigned"])
                restored.left[record["step"]] = Left(record["entered_with"], departure, record["event_id"])
            case "waiting":
                restored.waits[record["step"]] = datetime.fromisoformat(record["until"])
            case "ended":
                restored.ending = record
    if restored.ending is None and restored.events and restored.events[-1].kind in _LAST_EVENTS:
        # The process died between the last event and the record of the end: the next run writes both.
        restored.events.pop()
    return restored


def take_ending(execution: Execution, ending: Mapping[str, Any]) -> None:
    """Give an execution the outcome that its log tells."""
    execution.status = Status(ending["status"])
    execution.stopped = datetime.fromisoformat(ending["stopped"])
    execution.output_text, execution.error, execution.cause = ending["output"], ending["error"], ending["cause"]
    execution.finished.set()


def _event(record: Record) -> Event:
    moment = datetime.fromisoformat(record["time"])
    return Event(record["id"], record["previous_id"], record["kind"], moment, record["key"], record["details"])
