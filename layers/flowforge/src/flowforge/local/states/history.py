"""An execution's history: events with AWS's names, ids and details."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flowforge.local.states.clock import Clock
from flowforge.local.states.errors import runtime_failure

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html; the event that ends an execution is one of them.
MAXIMAL_EVENTS = 25_000
_NOT_TRUNCATED = {"truncated": False}


@dataclass(frozen=True)
class Event:
    """One event. ``details`` lies under ``key`` in the API's answer; some kinds have neither."""

    id: int
    previous_id: int
    kind: str
    timestamp: datetime
    key: str | None
    details: Mapping[str, Any]

    def as_json(self, *, with_data: bool) -> dict[str, Any]:
        """The event as GetExecutionHistory gives it, with or without inputs and outputs."""
        document: dict[str, Any] = {
            "id": self.id,
            "previousEventId": self.previous_id,
            "timestamp": self.timestamp.timestamp(),
            "type": self.kind,
        }
        if self.key is not None:
            data = ("input", "inputDetails", "output", "outputDetails")
            document[self.key] = {name: value for name, value in self.details.items() if with_data or name not in data}
        return document


def ignore_event(event: Event) -> None:
    """Tell nobody."""


class Chain:
    """One sequence of states: the machine's own, or that of one iteration or branch. It knows its last event and its state.

    ``place`` tells it apart from every other chain of its execution.
    """

    def __init__(self, event_id: int, place: str = "") -> None:
        self.event_id = event_id
        self.state_kind: str | None = None
        self._place = place
        self._visits = 0

    def next_step(self) -> str:
        """A name for the next visit to a state; the same in every run of the execution that comes the same way."""
        self._visits += 1
        return f"{self._place}{self._visits}"


class History:
    """The events of one execution, in order. Ids count from one."""

    def __init__(self, clock: Clock, on_event: Callable[[Event], None] = ignore_event) -> None:
        self.events: list[Event] = []
        self._clock = clock
        self._on_event = on_event

    def add(
        self,
        kind: str,
        previous_id: int,
        key: str | None = None,
        details: Mapping[str, Any] | None = None,
        *,
        final: bool = False,
    ) -> int:
        """Append an event and give its id. Raises States.Runtime where only the final event has room."""
        if not final and len(self.events) >= MAXIMAL_EVENTS - 1:
            raise runtime_failure(f"The execution reached the maximum number of history events ({MAXIMAL_EVENTS}).")
        event = Event(len(self.events) + 1, previous_id, kind, self._clock.now(), key, details or {})
        self.events.append(event)
        self._on_event(event)
        return event.id

    def follow(self, chain: Chain, kind: str, key: str | None = None, details: Mapping[str, Any] | None = None) -> int:
        """Append an event to a chain."""
        chain.event_id = self.add(kind, chain.event_id, key, details)
        return chain.event_id


def started_details(text: str, role: str) -> dict[str, Any]:
    """Details of ExecutionStarted."""
    return {**input_details(text), "roleArn": role}


def entered_details(name: str, text: str) -> dict[str, Any]:
    """Details of a ``…StateEntered`` event."""
    return {"name": name, **input_details(text)}


def exited_details(name: str, text: str, assigned: Mapping[str, str]) -> dict[str, Any]:
    """Details of a ``…StateExited`` event; ``assigned`` holds each variable's value as JSON text."""
    details: dict[str, Any] = {"name": name, "output": text, "outputDetails": _NOT_TRUNCATED}
    if assigned:
        details |= {"assignedVariables": dict(assigned), "assignedVariablesDetails": _NOT_TRUNCATED}
    return details


def input_details(text: str) -> dict[str, Any]:
    """Details of an event that carries an input."""
    return {"input": text, "inputDetails": _NOT_TRUNCATED}


def output_details(text: str) -> dict[str, Any]:
    """Details of an event that carries an output."""
    return {"output": text, "outputDetails": _NOT_TRUNCATED}


def failure_details(error: str | None, cause: str | None) -> dict[str, Any]:
    """Details of an event that carries an error; what AWS leaves out is left out."""
    return {name: value for name, value in (("error", error), ("cause", cause)) if value is not None}
