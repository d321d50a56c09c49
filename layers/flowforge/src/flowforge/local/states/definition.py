"""A state machine's definition after it was read: only what was understood, checked and complete."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

NOT_SET: Any = object()
"""The value of a field that the definition does not have; null is a value of its own."""


@dataclass(frozen=True)
class Retrier:
    """When and how often a failed attempt is made again."""

    error_equals: tuple[str, ...]
    interval_seconds: int
    backoff_rate: float
    max_attempts: int
    max_delay_seconds: int | None
    full_jitter: bool


@dataclass(frozen=True)
class Catcher:
    """Where a failure leads that no retrier takes."""

    error_equals: tuple[str, ...]
    next: str
    output: Any
    assign: Mapping[str, Any]


@dataclass(frozen=True)
class ChoiceRule:
    """A condition, and where it leads."""

    condition: Any
    next: str
    output: Any
    assign: Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """What every state has. ``next`` is None for a state that ends its container."""

    kind: ClassVar[str]
    name: str
    next: str | None
    output: Any
    assign: Mapping[str, Any]


@dataclass(frozen=True)
class PassState(State):
    """Hands its input on, or its Output."""

    kind: ClassVar[str] = "Pass"


@dataclass(frozen=True)
class SucceedState(State):
    """Ends its container."""

    kind: ClassVar[str] = "Succeed"


@dataclass(frozen=True)
class FailState(State):
    """Ends the execution with an error."""

    kind: ClassVar[str] = "Fail"
    error: Any = NOT_SET
    cause: Any = NOT_SET


@dataclass(frozen=True)
class WaitState(State):
    """Waits for a number of seconds, or until a moment."""

    kind: ClassVar[str] = "Wait"
    seconds: Any = NOT_SET
    timestamp: Any = NOT_SET


@dataclass(frozen=True)
class ChoiceState(State):
    """Goes where its first true rule leads, else to its default. ``next`` is the default."""

    kind: ClassVar[str] = "Choice"
    rules: tuple[ChoiceRule, ...] = ()


@dataclass(frozen=True)
class RetryingState(State):
    """A state whose attempts can fail, be made again, and be caught."""

    retriers: tuple[Retrier, ...] = ()
    catchers: tuple[Catcher, ...] = ()


@dataclass(frozen=True)
class TaskState(RetryingState):
    """Calls an integration."""

    kind: ClassVar[str] = "Task"
    resource: str = ""
    arguments: Any = NOT_SET
    timeout_seconds: Any = NOT_SET


@dataclass(frozen=True)
class Container:
    """States that belong together: those of the machine, of a map's iterations, or of a branch."""

    start_at: str
    states: Mapping[str, State]


@dataclass(frozen=True)
class MapState(RetryingState):
    """Runs its container once for every item."""

    kind: ClassVar[str] = "Map"
    items: Any = NOT_SET
    item_selector: Any = NOT_SET
    max_concurrency: Any = 0
    processor: Container = field(default_factory=lambda: Container("", {}))


@dataclass(frozen=True)
class ParallelState(RetryingState):
    """Runs its branches at once, all of them with the same input."""

    kind: ClassVar[str] = "Parallel"
    arguments: Any = NOT_SET
    branches: tuple[Container, ...] = ()


@dataclass(frozen=True)
class Definition:
    """A whole state machine."""

    container: Container
    timeout_seconds: int | None
