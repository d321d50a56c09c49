"""Runs a state machine: from state to state, with retries and catchers, on an event loop."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flowforge.local.states.clock import iso_time
from flowforge.local.states.definition import (
    NOT_SET,
    ChoiceState,
    Container,
    FailState,
    MapState,
    ParallelState,
    RetryingState,
    State,
    TaskState,
    WaitState,
)
from flowforge.local.states.errors import StateError
from flowforge.local.states.fields import MAXIMAL_SECONDS
from flowforge.local.states.history import Chain, entered_details, exited_details
from flowforge.local.states.map_state import attempt_map
from flowforge.local.states.memory import Departure
from flowforge.local.states.parallel_state import attempt_parallel
from flowforge.local.states.payload import encode, fill_boolean, fill_integer, fill_string, fill_timestamp
from flowforge.local.states.retry import RetryCounters, first_match
from flowforge.local.states.task_state import attempt_task
from flowforge.local.states.visit import Run, Scope, Visit, assigned_texts


class Interpreter:
    """Runs one execution; its history, clock and integrations come with ``run``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def run_container(
        self, container: Container, value: Any, scope: Scope, chain: Chain, extra_context: Mapping[str, Any]
    ) -> Any:
        """Run states from the first to an end, and give the last output. Raises StateError."""
        try:
            return await self._run_states(container, value, scope, chain, extra_context)
        finally:
            scope.close()

    async def _run_states(
        self, container: Container, value: Any, scope: Scope, chain: Chain, extra_context: Mapping[str, Any]
    ) -> Any:
        history, memory = self._run.history, self._run.memory
        name: str | None = container.start_at
        while name is not None:
            state = container.states[name]
            step, text = chain.next_step(), encode(value)
            left = memory.recall(step, name, text)
            if left is not None:
                scope.assign(left.departure.assigned)
                chain.event_id = left.event_id
                name, value = left.departure.next, left.departure.output
                continue
            self._run.observe((name, "state", None))
            chain.state_kind = state.kind
            entered = history.follow(chain, f"{state.kind}StateEntered", "stateEnteredEventDetails", entered_details(name, text))
            visit = Visit(
                run=self._run,
                step=step,
                state=state,
                value=value,
                scope=scope,
                chain=chain,
                entered_id=entered,
                entered_time=iso_time(history.events[entered - 1].timestamp),
                extra_context=extra_context,
            )
            departure = await self._visit(visit, state)
            scope.assign(departure.assigned)
            details = exited_details(name, encode(departure.output), assigned_texts(departure.assigned))
            exited = history.follow(chain, f"{state.kind}StateExited", "stateExitedEventDetails", details)
            memory.keep(step, name, text, departure, exited)
            name, value = departure.next, departure.output
            # A cycle of states that never wait must not keep the loop from other executions and timeouts.
            await asyncio.sleep(0)
        chain.state_kind = None
        return value

    async def _visit(self, visit: Visit, state: State) -> Departure:
        if isinstance(state, RetryingState):
            return await self._visit_with_retries(visit, state)
        if isinstance(state, ChoiceState):
            return _choose(visit, state)
        if isinstance(state, FailState):
            raise _failure_of(visit, state)
        if isinstance(state, WaitState):
            await self._wait(visit, state)
        return visit.depart(state.next, state.output, state.assign, visit.value)

    async def _wait(self, visit: Visit, state: WaitState) -> None:
        now = self._run.clock.now()
        with visit.evaluating():
            bindings = visit.bindings()
            if state.timestamp is not NOT_SET:
                end = fill_timestamp(state.timestamp, bindings, "Timestamp")
            else:
                seconds = fill_integer(state.seconds, bindings, "Seconds", minimum=0, maximum=MAXIMAL_SECONDS)
                end = now + timedelta(seconds=seconds)
        end = self._run.memory.wait_until(visit.step, end)
        await asyncio.sleep(max(0.0, (end - now).total_seconds()))

    async def _visit_with_retries(self, visit: Visit, state: RetryingState) -> Departure:
        counters = RetryCounters(state.retriers, self._run.random_number)
        visit.retry_count = 0
        while True:
            try:
                return await self._attempt(visit, state)
            except StateError as failure:
                retry = counters.next_delay(failure)
                if retry is None:
                    return self._catch(visit, state, failure)
            index, delay_seconds = retry
            self._run.observe((state.name, "retry", index))
            await asyncio.sleep(delay_seconds)
            visit.retry_count += 1

    async def _attempt(self, visit: Visit, state: RetryingState) -> Departure:
        if isinstance(state, TaskState):
            return await attempt_task(visit, state)
        if isinstance(state, MapState):
            return await attempt_map(visit, state, self.run_container)
        if isinstance(state, ParallelState):
            return await attempt_parallel(visit, state, self.run_container)
        raise TypeError(f"{state.kind} has no attempt")

    def _catch(self, visit: Visit, state: RetryingState, failure: StateError) -> Departure:
        found = first_match(state.catchers, failure)
        if found is None:
            raise failure
        index, catcher = found
        self._run.observe((state.name, "catch", index))
        error = failure.output()
        return visit.depart(catcher.next, catcher.output, catcher.assign, error, location=f"Catch[{index}]/", errorOutput=error)


def _choose(visit: Visit, state: ChoiceState) -> Departure:
    bindings = visit.bindings()
    for index, rule in enumerate(state.rules):
        with visit.evaluating():
            taken = fill_boolean(rule.condition, bindings, f"Choices[{index}]/Condition")
        if taken:
            return visit.depart(rule.next, rule.output, rule.assign, visit.value, location=f"Choices[{index}]/")
    if state.next is None:
        raise visit.runtime_failure("Failed to transition out of the state. The state does not point to a next state.")
    return visit.depart(state.next, state.output, state.assign, visit.value)


def _failure_of(visit: Visit, state: FailState) -> StateError:
    bindings = visit.bindings()
    with visit.evaluating():
        error = None if state.error is NOT_SET else fill_string(state.error, bindings, "Error")
        cause = None if state.cause is NOT_SET else fill_string(state.cause, bindings, "Cause")
    return StateError(error, cause)
