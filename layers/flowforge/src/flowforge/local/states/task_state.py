"""The Task state: one attempt to call its integration."""

import asyncio
from typing import Any

from flowforge.local.cloudformation import REGION
from flowforge.local.states.definition import NOT_SET, TaskState
from flowforge.local.states.errors import TIMEOUT, Handling, StateError
from flowforge.local.states.fields import MAXIMAL_SECONDS
from flowforge.local.states.history import failure_details, output_details
from flowforge.local.states.integrations import Integration
from flowforge.local.states.payload import encode_within_limit, fill, fill_integer
from flowforge.local.states.visit import Departure, Visit


async def attempt_task(visit: Visit, state: TaskState) -> Departure:
    """Call the integration once, and evaluate what the state leaves with. Raises StateError."""
    integration = visit.run.integrations[state.resource]
    with visit.evaluating():
        bindings = visit.bindings()
        arguments = visit.value if state.arguments is NOT_SET else fill(state.arguments, bindings, "Arguments")
        timeout = None
        if state.timeout_seconds is not NOT_SET:
            timeout = fill_integer(state.timeout_seconds, bindings, "TimeoutSeconds", minimum=1, maximum=MAXIMAL_SECONDS)
    result = await _call(visit, integration, arguments, timeout)
    return visit.depart(state.next, state.output, state.assign, result, result=result)


async def _call(visit: Visit, integration: Integration, arguments: Any, timeout_seconds: int | None) -> Any:
    history, chain = visit.run.history, visit.chain
    labels = {"resourceType": integration.resource_type, "resource": integration.resource}
    parameters = encode_within_limit(arguments, visit.state.name, handling=Handling.NAMED)
    scheduled: dict[str, Any] = {**labels, "region": REGION, "parameters": parameters}
    if timeout_seconds is not None:
        scheduled["timeoutInSeconds"] = timeout_seconds
    history.follow(chain, "TaskScheduled", "taskScheduledEventDetails", scheduled)
    # Siblings are scheduled before the first of them starts.
    await asyncio.sleep(0)
    history.follow(chain, "TaskStarted", "taskStartedEventDetails", labels)
    limit = asyncio.timeout(timeout_seconds)
    try:
        async with limit:
            result = await integration.call(arguments)
        text = encode_within_limit(result, integration.resource_type, handling=Handling.ANY)
    except TimeoutError:
        if not limit.expired():
            raise
        details = {**labels, "error": TIMEOUT}
        history.follow(chain, "TaskTimedOut", "taskTimedOutEventDetails", details)
        raise StateError(TIMEOUT, None) from None
    except StateError as failure:
        details = {**labels, **failure_details(failure.error, failure.cause)}
        history.follow(chain, "TaskFailed", "taskFailedEventDetails", details)
        raise
    history.follow(chain, "TaskSucceeded", "taskSucceededEventDetails", {**labels, **output_details(text)})
    return result
