"""The events of a task's attempt. A function named by its own ARN leaves others than an integration does."""

from typing import Any, Protocol

from flowforge.local.cloudformation import REGION
from flowforge.local.states.errors import TIMEOUT, StateError
from flowforge.local.states.history import Chain, History, failure_details, input_details, output_details


class TaskEvents(Protocol):
    """Writes what happens to one attempt."""

    def scheduled(self, arguments: str, timeout_seconds: int | None) -> None:
        """The attempt is about to begin."""
        ...

    def started(self) -> None:
        """The attempt has begun."""
        ...

    def submitted(self, answer: str) -> None:
        """The service has answered, and the task waits for the end of what was begun."""
        ...

    def succeeded(self, result: str) -> None:
        """The attempt has its result."""
        ...

    def failed(self, failure: StateError) -> None:
        """The attempt failed."""
        ...

    def timed_out(self) -> None:
        """The attempt took too long."""
        ...


class ServiceEvents:
    """``TaskScheduled`` and what follows it, for an integration."""

    def __init__(self, history: History, chain: Chain, resource_type: str, resource: str) -> None:
        self._history = history
        self._chain = chain
        self._labels = {"resourceType": resource_type, "resource": resource}

    def scheduled(self, arguments: str, timeout_seconds: int | None) -> None:
        """Write TaskScheduled."""
        limit = {} if timeout_seconds is None else {"timeoutInSeconds": timeout_seconds}
        self._add("Scheduled", {"region": REGION, "parameters": arguments, **limit})

    def started(self) -> None:
        """Write TaskStarted."""
        self._add("Started", {})

    def submitted(self, answer: str) -> None:
        """Write TaskSubmitted."""
        self._add("Submitted", output_details(answer))

    def succeeded(self, result: str) -> None:
        """Write TaskSucceeded."""
        self._add("Succeeded", output_details(result))

    def failed(self, failure: StateError) -> None:
        """Write TaskFailed."""
        self._add("Failed", failure_details(failure.error, failure.cause))

    def timed_out(self) -> None:
        """Write TaskTimedOut."""
        self._add("TimedOut", {"error": TIMEOUT})

    def _add(self, kind: str, details: dict[str, Any]) -> None:
        self._history.follow(self._chain, f"Task{kind}", f"task{kind}EventDetails", {**self._labels, **details})


class FunctionEvents:
    """``LambdaFunctionScheduled`` and what follows it, for a function."""

    def __init__(self, history: History, chain: Chain, function: str) -> None:
        self._history = history
        self._chain = chain
        self._function = function

    def scheduled(self, arguments: str, timeout_seconds: int | None) -> None:
        """Write LambdaFunctionScheduled."""
        limit = {} if timeout_seconds is None else {"timeoutInSeconds": timeout_seconds}
        self._add("Scheduled", {"resource": self._function, **input_details(arguments), **limit})

    def started(self) -> None:
        """Write LambdaFunctionStarted, which has no details."""
        self._history.follow(self._chain, "LambdaFunctionStarted")

    def submitted(self, answer: str) -> None:
        """Write nothing: a function answers once."""

    def succeeded(self, result: str) -> None:
        """Write LambdaFunctionSucceeded."""
        self._add("Succeeded", output_details(result))

    def failed(self, failure: StateError) -> None:
        """Write LambdaFunctionFailed."""
        self._add("Failed", failure_details(failure.error, failure.cause))

    def timed_out(self) -> None:
        """Write LambdaFunctionTimedOut."""
        self._add("TimedOut", {"error": TIMEOUT})

    def _add(self, kind: str, details: dict[str, Any]) -> None:
        self._history.follow(self._chain, f"LambdaFunction{kind}", f"lambdaFunction{kind}EventDetails", details)
