"""The Task state: one attempt to call its integration."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flowforge.local.states.definition import NOT_SET, TaskState
from flowforge.local.states.errors import TIMEOUT, Handling, StateError
from flowforge.local.states.fields import MAXIMAL_SECONDS
from flowforge.local.states.integrations import Call, Integration
from flowforge.local.states.memory import Departure
from flowforge.local.states.payload import encode, encode_within_limit, fill, fill_integer
from flowforge.local.states.task_events import FunctionEvents, ServiceEvents, TaskEvents
from flowforge.local.states.task_reader import INVOKE, is_function
from flowforge.local.states.visit import Visit


async def attempt_task(visit: Visit, state: TaskState) -> Departure:
    """Call the integration once, and evaluate what the state leaves with. Raises StateError."""
    target = _target(visit, state)
    with visit.evaluating():
        bindings = visit.bindings()
        arguments = visit.value if state.arguments is NOT_SET else fill(state.arguments, bindings, "Arguments")
        timeout = None
        if state.timeout_seconds is not NOT_SET:
            timeout = fill_integer(state.timeout_seconds, bindings, "TimeoutSeconds", minimum=1, maximum=MAXIMAL_SECONDS)
    result = await _call(visit, target, arguments, timeout)
    return visit.depart(state.next, state.output, state.assign, result, result=result)


@dataclass(frozen=True)
class _Target:
    """What a task calls. ``name`` is how AWS names it where its result is too large."""

    integration: Integration
    events: TaskEvents
    name: str
    arguments: Callable[[Any], Any] = lambda arguments: arguments
    result: Callable[[Any], Any] = lambda result: result


def _target(visit: Visit, state: TaskState) -> _Target:
    history, chain, resource = visit.run.history, visit.chain, state.resource
    if is_function(resource):
        return _Target(
            visit.run.integrations[INVOKE],
            FunctionEvents(history, chain, resource),
            resource,
            arguments=lambda event: {"FunctionName": resource, "Payload": event},
            result=lambda answer: answer["Payload"],
        )
    integration = visit.run.integrations[resource]
    events = ServiceEvents(history, chain, integration.resource_type, integration.resource)
    return _Target(integration, events, integration.resource_type)


async def _call(visit: Visit, target: _Target, arguments: Any, timeout_seconds: int | None) -> Any:
    events = target.events
    events.scheduled(encode_within_limit(arguments, visit.state.name, handling=Handling.NAMED), timeout_seconds)
    # Siblings are scheduled before the first of them starts.
    await asyncio.sleep(0)
    events.started()
    context = visit.run.context
    call = Call(
        target.arguments(arguments),
        context["Execution"]["Id"],
        context["StateMachine"]["Id"],
        lambda answer: events.submitted(encode(answer)),
    )
    limit = asyncio.timeout(timeout_seconds)
    try:
        async with limit:
            result = target.result(await target.integration.call(call))
        text = encode_within_limit(result, target.name, handling=Handling.ANY)
    except TimeoutError:
        if not limit.expired():
            raise
        events.timed_out()
        raise StateError(TIMEOUT, None) from None
    except StateError as failure:
        events.failed(failure)
        raise
    events.succeeded(text)
    return result
