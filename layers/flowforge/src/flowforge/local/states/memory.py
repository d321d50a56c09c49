"""What an execution has behind it: how its states were left, so that a run after a crash goes on where the last one was.

A step is a visit to a state, named by the chain that it belongs to and its number there. A run that finds a step in its
memory leaves the state as it was left then, and calls nothing.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flowforge.local.states.journal import Log


@dataclass(frozen=True)
class Departure:
    """How a state is left: where to (None: the container ends), with which output and which new variables."""

    next: str | None
    output: Any
    assigned: Mapping[str, Any]


@dataclass(frozen=True)
class Left:
    """A departure that is remembered. ``entered_with`` names state and input, ``event_id`` is that of its exit."""

    entered_with: str
    departure: Departure
    event_id: int


class Memory:
    """The finished steps of an earlier run, and the log to which those of this run are added."""

    def __init__(self, log: Log, left: Mapping[str, Left], waits: Mapping[str, datetime]) -> None:
        self._log = log
        self._left = left
        self._waits = waits

    def recall(self, step: str, state: str, text: str) -> Left | None:
        """How a step was left by an earlier run, if it was entered with the same input then."""
        left = self._left.get(step)
        return left if left is not None and left.entered_with == _entered_with(state, text) else None

    def keep(self, step: str, state: str, text: str, departure: Departure, event_id: int) -> None:
        """Note that a step is finished."""
        self._log.write(
            {
                "record": "left",
                "step": step,
                "entered_with": _entered_with(state, text),
                "next": departure.next,
                "output": departure.output,
                "assigned": dict(departure.assigned),
                "event_id": event_id,
            }
        )

    def wait_until(self, step: str, moment: datetime) -> datetime:
        """When a wait ends: the moment that an earlier run has noted, else this one."""
        noted = self._waits.get(step)
        if noted is not None:
            return noted
        self._log.write({"record": "waiting", "step": step, "until": moment.isoformat()})
        return moment


def _entered_with(state: str, text: str) -> str:
    return f"{state}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
