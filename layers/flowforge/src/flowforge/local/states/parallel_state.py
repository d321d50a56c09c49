"""The Parallel state: one attempt to run all its branches at once."""

from typing import Any

from flowforge.local.states.definition import NOT_SET, ParallelState
from flowforge.local.states.errors import Handling, StateError
from flowforge.local.states.history import Chain
from flowforge.local.states.memory import Departure
from flowforge.local.states.payload import fill
from flowforge.local.states.siblings import RunContainer, Sibling, Siblings, abort_state, place_of
from flowforge.local.states.visit import Scope, Visit


async def attempt_parallel(visit: Visit, state: ParallelState, run_container: RunContainer) -> Departure:
    """Run every branch, and evaluate what the state leaves with. The first failure ends them all."""
    with visit.evaluating():
        value = visit.value if state.arguments is NOT_SET else fill(state.arguments, visit.bindings(), "Arguments")
    visit.run.history.follow(visit.chain, "ParallelStateStarted")
    results = await _run_branches(visit, state, run_container, value)
    # What comes after it follows the branch that was the last, not this event.
    visit.run.history.add("ParallelStateSucceeded", visit.chain.event_id)
    return visit.depart(state.next, state.output, state.assign, results, result=results)


async def _run_branches(visit: Visit, state: ParallelState, run_container: RunContainer, value: Any) -> list[Any]:
    siblings = Siblings()
    results: list[Any] = [None] * len(state.branches)
    try:
        for index, branch in enumerate(state.branches):
            chain = Chain(visit.chain.event_id, place_of(visit, index))
            work = run_container(branch, value, Scope(visit.scope), chain, visit.extra_context)
            siblings.launch(Sibling(index, chain), work)
        while siblings:
            for sibling, task in await siblings.some_finished():
                try:
                    results[sibling.index] = task.result()
                except StateError as failure:
                    await _fail(visit, siblings, sibling, failure)
                    raise
                visit.chain.event_id = max(visit.chain.event_id, sibling.chain.event_id)
    finally:
        await siblings.cancel()
    return results


async def _fail(visit: Visit, siblings: Siblings, failed: Sibling, failure: StateError) -> None:
    """The events of a state that ends with its first failure: all of them follow the event that was the failure."""
    others = await siblings.cancel()
    history, cause_id = visit.run.history, failed.chain.event_id
    if failure.handling is Handling.NONE:
        # What nobody may handle ends the execution at once; the state itself does not fail.
        visit.chain.event_id = cause_id
        return
    if failed.chain.state_kind == "Task":
        history.add("TaskStateAborted", cause_id)
    for other in others:
        abort_state(history, other, cause_id)
    visit.chain.event_id = history.add("ParallelStateFailed", cause_id)
