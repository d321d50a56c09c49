"""The inline Map state: one attempt to run its states once for every item."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flowforge.local.states.definition import NOT_SET, Container, MapState
from flowforge.local.states.errors import StateError
from flowforge.local.states.fields import MAXIMAL_SECONDS
from flowforge.local.states.history import Chain
from flowforge.local.states.payload import fill, fill_array, fill_integer
from flowforge.local.states.visit import Departure, Scope, Visit

# An inline map never runs more: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
CONCURRENCY_LIMIT = 40
# The states whose abort the history shows.
_ABORTABLE = ("Task", "Wait", "Map")

RunContainer = Callable[[Container, Any, Scope, Chain, Mapping[str, Any]], Awaitable[Any]]


async def attempt_map(visit: Visit, state: MapState, run_container: RunContainer) -> Departure:
    """Run every iteration, and evaluate what the state leaves with. The first failure ends them all."""
    with visit.evaluating():
        bindings = visit.bindings()
        if state.items is not NOT_SET:
            items = fill_array(state.items, bindings, "Items")
        elif isinstance(visit.value, list):
            items = visit.value
        else:
            raise visit.runtime_failure("The input of a Map state without Items must be an array.")
        concurrency = fill_integer(state.max_concurrency, bindings, "MaxConcurrency", minimum=0, maximum=MAXIMAL_SECONDS)
    visit.run.history.follow(visit.chain, "MapStateStarted", "mapStateStartedEventDetails", {"length": len(items)})
    places = min(concurrency or CONCURRENCY_LIMIT, CONCURRENCY_LIMIT)
    results = await _Iterations(visit, state, run_container, items).run(places)
    visit.run.history.follow(visit.chain, "MapStateSucceeded")
    return visit.depart(state.next, state.output, state.assign, results, result=results)


@dataclass(frozen=True)
class _Iteration:
    index: int
    chain: Chain


class _Iterations:
    def __init__(self, visit: Visit, state: MapState, run_container: RunContainer, items: list[Any]) -> None:
        self._visit = visit
        self._state = state
        self._run_container = run_container
        self._items = items
        self._results: list[Any] = [None] * len(items)
        self._running: dict[asyncio.Task[Any], _Iteration] = {}

    async def run(self, places: int) -> list[Any]:
        waiting = deque(range(len(self._items)))
        try:
            for _ in range(min(places, len(waiting))):
                self._launch(waiting.popleft(), self._visit.chain.event_id)
            while self._running:
                done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                for task in sorted(done, key=lambda task: self._running[task].index):
                    finished = await self._finish(task)
                    if waiting:
                        self._launch(waiting.popleft(), finished)
        finally:
            await self._cancel()
        return self._results

    def _launch(self, index: int, previous_id: int) -> None:
        visit, item = self._visit, self._items[index]
        started = visit.run.history.add("MapIterationStarted", previous_id, "mapIterationStartedEventDetails", self._label(index))
        context = {**visit.extra_context, "Map": {"Item": {"Index": index, "Value": item}}}
        value = item
        if self._state.item_selector is not NOT_SET:
            bindings = visit.bindings()
            bindings["states"]["context"] |= context
            with visit.evaluating():
                value = fill(self._state.item_selector, bindings, "ItemSelector")
        chain = Chain(started)
        work = self._run_container(self._state.processor, value, Scope(visit.scope), chain, context)
        task = asyncio.ensure_future(work)
        self._running[task] = _Iteration(index, chain)

    async def _finish(self, task: "asyncio.Task[Any]") -> int:
        iteration = self._running.pop(task)
        try:
            self._results[iteration.index] = task.result()
        except StateError:
            await self._fail(iteration)
            raise
        succeeded = self._visit.run.history.add(
            "MapIterationSucceeded",
            iteration.chain.event_id,
            "mapIterationSucceededEventDetails",
            self._label(iteration.index),
        )
        self._visit.chain.event_id = succeeded
        return succeeded

    async def _fail(self, failed: _Iteration) -> None:
        """The events of a map that ends with its first failure: all of them follow the event that was the failure."""
        siblings = sorted(self._running.values(), key=lambda iteration: iteration.index)
        await self._cancel()
        history, cause_id = self._visit.run.history, failed.chain.event_id
        history.add("MapIterationFailed", cause_id, "mapIterationFailedEventDetails", self._label(failed.index))
        if failed.chain.state_kind == "Task":
            history.add("TaskStateAborted", cause_id)
        for sibling in siblings:
            history.add("MapIterationAborted", cause_id, "mapIterationAbortedEventDetails", self._label(sibling.index))
            if sibling.chain.state_kind in _ABORTABLE:
                history.add(f"{sibling.chain.state_kind}StateAborted", cause_id)
        self._visit.chain.event_id = history.add("MapStateFailed", cause_id)

    async def _cancel(self) -> None:
        tasks = list(self._running)
        self._running.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _label(self, index: int) -> dict[str, Any]:
        return {"name": self._visit.state.name, "index": index}
