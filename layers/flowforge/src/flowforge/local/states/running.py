"""The run of one execution, from its start, or from where an earlier run was cut off, to its end."""

import asyncio
import logging
from collections.abc import Callable

from flowforge.local.states.clock import Clock
from flowforge.local.states.errors import RUNTIME, TIMEOUT, StateError
from flowforge.local.states.execution import Execution, Status
from flowforge.local.states.history import Chain, failure_details, output_details, started_details
from flowforge.local.states.interpreter import Interpreter
from flowforge.local.states.payload import encode
from flowforge.local.states.visit import Run, Scope

logger = logging.getLogger(__name__)


async def run_execution(execution: Execution, make_run: Callable[[Execution], Run]) -> None:
    """Run an execution to its end. Its outcome is told by the execution itself; nothing is raised but a cancellation."""
    run = make_run(execution)
    chain = Chain(0)
    definition = execution.machine.definition
    limit = asyncio.timeout(_remaining_seconds(execution, run.clock))
    if not execution.history.events:
        details = started_details(execution.input_text, execution.machine.role_arn)
        execution.history.add("ExecutionStarted", 0, "executionStartedEventDetails", details)
    try:
        async with limit:
            output = await Interpreter(run).run_container(definition.container, execution.value, Scope(), chain, {})
    except TimeoutError:
        if not limit.expired():
            raise
        execution.end(Status.TIMED_OUT, "ExecutionTimedOut", 0, failure_details(TIMEOUT, None), run.clock)
    except StateError as failure:
        fail(execution, failure, chain.event_id, run.clock)
    except Exception as error:
        # A fault of the service itself: the execution must end, and somebody must hear of it.
        logger.exception("the interpreter failed in %s", execution.arn)
        cause = f"The local Step Functions service failed: {error!r}"
        fail(execution, StateError(RUNTIME, cause), chain.event_id, run.clock)
    else:
        execution.output_text = encode(output)
        details = output_details(execution.output_text)
        execution.end(Status.SUCCEEDED, "ExecutionSucceeded", chain.event_id, details, run.clock)


def fail(execution: Execution, failure: StateError, previous_id: int, clock: Clock) -> None:
    """End an execution with an error."""
    if execution.status is Status.RUNNING:
        execution.error, execution.cause = failure.error, failure.cause
    details = failure_details(failure.error, failure.cause)
    execution.end(Status.FAILED, "ExecutionFailed", previous_id, details, clock)


def _remaining_seconds(execution: Execution, clock: Clock) -> float | None:
    """What is left of the machine's time limit, which counts from the start, also where the process died meanwhile."""
    limit = execution.machine.definition.timeout_seconds
    if limit is None:
        return None
    return max(0.0, limit - (clock.now() - execution.started).total_seconds())
