"""One visit to a state: what it was entered with, what its expressions see, and what it leaves with."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from flowforge.local.states.clock import Clock
from flowforge.local.states.definition import NOT_SET, State
from flowforge.local.states.errors import Handling, QueryError, StateError, runtime_failure
from flowforge.local.states.history import Chain, History
from flowforge.local.states.integrations import Integration
from flowforge.local.states.memory import Departure, Memory
from flowforge.local.states.payload import VARIABLES_LIMIT_BYTES, encode, encode_within_limit, fill, variables_too_large

Place = tuple[str, Literal["state", "retry", "catch"], int | None]
"""Something of a definition that an execution came through: a state, or the retrier or catcher of that index."""


def ignore_place(place: Place) -> None:
    """Observe nothing."""


class Scope:
    """Variables: those of the machine, or those of one iteration or branch, which reads the ones around it too."""

    def __init__(self, outer: "Scope | None" = None) -> None:
        self._outer = outer
        self._own: dict[str, Any] = {}
        self._sizes: dict[str, int] = {} if outer is None else outer._sizes
        self._prefix = "" if outer is None else f"{id(self)}:"

    def visible(self) -> dict[str, Any]:
        """Every variable that can be read here."""
        return {**(self._outer.visible() if self._outer else {}), **self._own}

    def assign(self, values: Mapping[str, Any]) -> None:
        """Set variables of this scope. Raises States.DataLimitExceeded where those of the execution grow too large."""
        if not values:
            return
        self._own.update(values)
        self._sizes.update({f"{self._prefix}{name}": len(encode(value).encode()) for name, value in values.items()})
        if sum(self._sizes.values()) > VARIABLES_LIMIT_BYTES:
            raise variables_too_large()

    def close(self) -> None:
        """Give the room of this scope's variables back."""
        for name in self._own:
            self._sizes.pop(f"{self._prefix}{name}", None)


@dataclass(frozen=True)
class Run:
    """What all visits of one execution share. ``context`` holds Execution and StateMachine of the context object."""

    history: History
    clock: Clock
    context: Mapping[str, Any]
    integrations: Mapping[str, Integration]
    memory: Memory
    random_number: Callable[[], float] = random.random
    observe: Callable[[Place], None] = ignore_place


@dataclass
class Visit:
    """A state that was entered. ``step`` names the visit, ``extra_context`` holds Map.Item inside an iteration."""

    run: Run
    step: str
    state: State
    value: Any
    scope: Scope
    chain: Chain
    entered_id: int
    entered_time: str
    extra_context: Mapping[str, Any]
    retry_count: int | None = field(default=None)

    def bindings(self, **members: Any) -> dict[str, Any]:
        """The variables of an expression: ``$states`` with input, context and ``members``, and the workflow's own."""
        state: dict[str, Any] = {"Name": self.state.name, "EnteredTime": self.entered_time}
        if self.retry_count is not None:
            state["RetryCount"] = self.retry_count
        context = {**self.run.context, "State": state, **self.extra_context}
        return {**self.scope.visible(), "states": {"input": self.value, "context": context, **members}}

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Record the failure of an expression, and tell in its cause which state it ended."""
        try:
            yield
        except QueryError as failure:
            failure.cause = self.prefixed(failure.cause or "")
            details = {
                "error": failure.error,
                "cause": failure.cause,
                "location": failure.location,
                "state": self.state.name,
            }
            self.run.history.follow(self.chain, "EvaluationFailed", "evaluationFailedEventDetails", details)
            raise

    def runtime_failure(self, cause: str) -> StateError:
        """States.Runtime in this state."""
        return runtime_failure(self.prefixed(cause))

    def prefixed(self, cause: str) -> str:
        """A cause, after the words with which AWS names the state."""
        return (
            f"An error occurred while executing the state '{self.state.name}' "
            f"(entered at the event id #{self.entered_id}). {cause}"
        )

    def depart(
        self,
        target: str | None,
        output: Any,
        assign: Mapping[str, Any],
        default: Any,
        *,
        location: str = "",
        **members: Any,
    ) -> Departure:
        """Evaluate Output and Assign, both with the variables as they were. ``location`` is the rule's or catcher's."""
        bindings = self.bindings(**members)
        with self.evaluating():
            result = default if output is NOT_SET else fill(output, bindings, f"{location}Output")
            assigned = fill(dict(assign), bindings, f"{location}Assign")
        if output is not NOT_SET:
            encode_within_limit(result, self.state.name, handling=Handling.NAMED)
        if assigned:
            encode_within_limit(assigned, self.state.name, handling=Handling.NAMED)
        return Departure(target, result, assigned)


def assigned_texts(assigned: Mapping[str, Any]) -> dict[str, str]:
    """New variables as an event shows them: each value as JSON text."""
    return {name: encode(value) for name, value in assigned.items()}
