"""What a case is: a definition, what its functions answer, and what AWS makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unit.local.states_lab import Behaviour, machine

UNTOLD: Any = object()
"""What a case says nothing about."""


@dataclass(frozen=True)
class Case:
    """``events`` are the kinds between ExecutionStarted and the last event, ``links`` pairs of an event's id and the one
    that it follows. ``cause`` is a part of the whole text."""

    name: str
    states: Mapping[str, Any]
    value: Any = field(default_factory=dict)
    script: Mapping[str, Behaviour] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    status: str = "SUCCEEDED"
    output: Any = UNTOLD
    error: Any = UNTOLD
    cause: str | None = None
    events: Sequence[str] | None = None
    links: Sequence[tuple[int, int]] = ()
    seconds: float | None = None

    @property
    def definition(self) -> dict[str, Any]:
        return machine(self.states, **self.fields)


def visited(kind: str, *inside: str) -> list[str]:
    """The events of a state that was entered and left."""
    return [f"{kind}StateEntered", *inside, f"{kind}StateExited"]


def attempt(*endings: str) -> list[str]:
    """The events of a task's attempts, by how they ended."""
    return [kind for ending in endings for kind in ("TaskScheduled", "TaskStarted", f"Task{ending}")]
