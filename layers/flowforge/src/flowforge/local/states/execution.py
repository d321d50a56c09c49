"""One execution: its run from start to end, and what the service tells about it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from flowforge.local.states.clock import Clock, iso_time
from flowforge.local.states.definition import Definition
from flowforge.local.states.errors import RUNTIME, TIMEOUT, StateError
from flowforge.local.states.history import Chain, History, failure_details, output_details, started_details
from flowforge.local.states.interpreter import Interpreter
from flowforge.local.states.payload import encode
from flowforge.local.states.visit import Run, Scope

logger = logging.getLogger(__name__)


class Status(StrEnum):
    """How far an execution is."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"


@dataclass(frozen=True)
class StateMachine:
    """A state machine as it was created. Executions keep the definition that they were started with."""

    arn: str
    name: str
    role_arn: str
    text: str
    definition: Definition
    created: datetime


@dataclass
class Execution:
    """An execution and its outcome. ``task`` is its run on the event loop."""

    arn: str
    name: str
    machine: StateMachine
    input_text: str
    value: Any
    started: datetime
    history: History
    status: Status = Status.RUNNING
    stopped: datetime | None = None
    output_text: str | None = None
    error: str | None = None
    cause: str | None = None
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)

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

    def end(self, status: Status, kind: str, previous_id: int, key: str, details: dict[str, Any], clock: Clock) -> None:
        """Write the last event and take the status. Does nothing where the execution has ended already."""
        if self.status is not Status.RUNNING:
            return
        self.history.add(kind, previous_id, key, details, final=True)
        self.status = status
        self.stopped = clock.now()


async def run_execution(execution: Execution, make_run: Callable[[Execution], Run]) -> None:
    """Run an execution to its end. Its outcome is told by the execution itself; nothing is raised but a cancellation."""
    run = make_run(execution)
    chain = Chain(0)
    definition = execution.machine.definition
    limit = asyncio.timeout(definition.timeout_seconds)
    execution.history.add(
        "ExecutionStarted",
        0,
        "executionStartedEventDetails",
        started_details(execution.input_text, execution.machine.role_arn),
    )
    try:
        async with limit:
            output = await Interpreter(run).run_container(definition.container, execution.value, Scope(), chain, {})
    except TimeoutError:
        if not limit.expired():
            raise
        details = failure_details(TIMEOUT, None)
        execution.end(Status.TIMED_OUT, "ExecutionTimedOut", 0, "executionTimedOutEventDetails", details, run.clock)
    except StateError as failure:
        _fail(execution, chain, failure.error, failure.cause, run.clock)
    except Exception as error:
        # A fault of the service itself: the execution must end, and somebody must hear of it.
        logger.exception("the interpreter failed in %s", execution.arn)
        _fail(execution, chain, RUNTIME, f"The local Step Functions service failed: {error!r}", run.clock)
    else:
        execution.output_text = encode(output)
        details = output_details(execution.output_text)
        key = "executionSucceededEventDetails"
        execution.end(Status.SUCCEEDED, "ExecutionSucceeded", chain.event_id, key, details, run.clock)


def _fail(execution: Execution, chain: Chain, error: str | None, cause: str | None, clock: Clock) -> None:
    execution.error, execution.cause = error, cause
    details = failure_details(error, cause)
    execution.end(Status.FAILED, "ExecutionFailed", chain.event_id, "executionFailedEventDetails", details, clock)
