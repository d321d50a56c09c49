"""The inline Map state: one attempt to run its states once for every item."""

from collections import deque
from typing import Any

from flowforge.local.states.definition import NOT_SET, MapState
from flowforge.local.states.errors import Handling, StateError
from flowforge.local.states.fields import MAXIMAL_SECONDS
from flowforge.local.states.history import Chain
from flowforge.local.states.memory import Departure
from flowforge.local.states.payload import fill, fill_array, fill_integer
from flowforge.local.states.siblings import RunContainer, Sibling, Siblings, abort_state, place_of
from flowforge.local.states.visit import Scope, Visit

# An inline map never runs more: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
CONCURRENCY_LIMIT = 40


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
    history, chain = visit.run.history, visit.chain
    history.follow(chain, "MapStateStarted", "mapStateStartedEventDetails", {"length": len(items)})
    places = min(concurrency or CONCURRENCY_LIMIT, CONCURRENCY_LIMIT)
    results = await _Iterations(visit, state, run_container, items).run(places)
    # What comes after it follows the last iteration, not this event.
    history.add("MapStateSucceeded", chain.event_id)
    return visit.depart(state.next, state.output, state.assign, results, result=results)


class _Iterations:
    def __init__(self, visit: Visit, state: MapState, run_container: RunContainer, items: list[Any]) -> None:
        self._visit = visit
        self._state = state
        self._run_container = run_container
        self._items = items
        self._results: list[Any] = [None] * len(items)
        self._siblings = Siblings()

    async def run(self, places: int) -> list[Any]:
        waiting = deque(range(len(self._items)))
        try:
            for _ in range(min(places, len(waiting))):
                self._launch(waiting.popleft(), self._visit.chain.event_id)
            while self._siblings:
                for sibling, task in await self._siblings.some_finished():
                    try:
                        self._results[sibling.index] = task.result()
                    except StateError as failure:
                        await self._fail(sibling, failure)
                        raise
                    self._succeed(sibling)
                    if waiting:
                        self._launch(waiting.popleft(), sibling.chain.event_id)
        finally:
            await self._siblings.cancel()
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
        chain = Chain(started, place_of(visit, index))
        work = self._run_container(self._state.processor, value, Scope(visit.scope), chain, context)
        self._siblings.launch(Sibling(index, chain), work)

    def _succeed(self, sibling: Sibling) -> None:
        self._visit.chain.event_id = self._visit.run.history.add(
            "MapIterationSucceeded",
            sibling.chain.event_id,
            "mapIterationSucceededEventDetails",
            self._label(sibling.index),
        )

    async def _fail(self, failed: Sibling, failure: StateError) -> None:
        """The events of a map that ends with its first failure: all of them follow the event that was the failure."""
        siblings = await self._siblings.cancel()
        history, cause_id = self._visit.run.history, failed.chain.event_id
        if failure.handling is Handling.NONE:
            # What nobody may handle ends the execution at once; the map itself does not fail.
            self._visit.chain.event_id = cause_id
            return
        history.add("MapIterationFailed", cause_id, "mapIterationFailedEventDetails", self._label(failed.index))
        if failed.chain.state_kind == "Task":
            history.add("TaskStateAborted", cause_id)
        for sibling in siblings:
            history.add("MapIterationAborted", cause_id, "mapIterationAbortedEventDetails", self._label(sibling.index))
            abort_state(history, sibling, cause_id)
        self._visit.chain.event_id = history.add("MapStateFailed", cause_id)

    def _label(self, index: int) -> dict[str, Any]:
        return {"name": self._visit.state.name, "index": index}
