"""One execution: what the service tells about it, and how it ends."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from flowforge.local.states.clock import Clock, iso_time
from flowforge.local.states.definition import Definition
from flowforge.local.states.history import History
from flowforge.local.states.journal import Log


class Status(StrEnum):
    """How far an execution is."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


@dataclass(frozen=True)
class StateMachine:
    """A state machine as it is now. Executions keep the one that they were started with.

    ``version_arn`` is that of the published version that it is, ``alias_arn`` that of the alias by which it was found.
    """

    arn: str
    name: str
    role_arn: str
    text: str
    definition: Definition
    created: datetime
    updated: datetime
    revision: str
    version_arn: str | None = None
    alias_arn: str | None = None


@dataclass
class Execution:
    """An execution and its outcome. ``task`` is its run on the event loop, ``on_status`` hears of its end."""

    arn: str
    name: str
    machine: StateMachine
    input_text: str
    value: Any
    started: datetime
    history: History
    log: Log
    on_status: Callable[["Execution"], None]
    status: Status = Status.RUNNING
    stopped: datetime | None = None
    output_text: str | None = None
    error: str | None = None
    cause: str | None = None
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)
    finished: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def context(self) -> dict[str, Any]:
        """The part of the context object that stays the same from the first state to the last."""
        return {
            "Execution": {
                "Id": self.arn,
                "Input": self.value,
                "Name": self.name,
                "RoleArn": self.machine.role_arn,
                "StartTime": iso_time(self.started),
                "RedriveCount": 0,
            },
            "StateMachine": {"Id": self.machine.arn, "Name": self.machine.name},
        }

    def end(self, status: Status, kind: str, previous_id: int, details: dict[str, Any], clock: Clock) -> None:
        """Write the last event and take the status. Does nothing where the execution has ended already."""
        if self.status is not Status.RUNNING:
            return
        key = f"{kind[0].lower()}{kind[1:]}EventDetails"
        self.history.add(kind, previous_id, key, details, final=True)
        self.status = status
        self.stopped = clock.now()
        self.finished.set()
        self.log.write(
            {
                "record": "ended",
                "status": status.value,
                "stopped": self.stopped.isoformat(),
                "output": self.output_text,
                "error": self.error,
                "cause": self.cause,
            },
            durable=True,
        )
        self.on_status(self)
