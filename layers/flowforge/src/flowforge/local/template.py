"""What the laptop runs, as the application's template declares it: functions, state machines, tasks, and what they need."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from flowforge.local.cloudformation import ACCOUNT, REGION
from flowforge.local.resources import Resources
from flowforge.local.schedule_expressions import Recurrence
from flowforge.local.task_definitions import ClusterSpec, TaskDefinitionSpec

QUALIFIED_PARTS = 7
"""The parts of a function's ARN before its version or alias."""


@dataclass(frozen=True)
class Destination:
    """Where the record of an asynchronous call goes; ``kind`` as SAM names it: SQS, SNS, Lambda or EventBridge."""

    kind: str
    arn: str


@dataclass(frozen=True)
class AsynchronousCalls:
    """What Lambda does about calls of type Event, with its own defaults: two retries, an age of six hours."""

    retries: int = 2
    maximum_age_seconds: int = 21_600
    on_success: Destination | None = None
    on_failure: Destination | None = None
    dead_letters: Destination | None = None


@dataclass(frozen=True)
class QueueMapping:
    """An event-source mapping: the queue whose messages a function handles, and in what batches."""

    queue_arn: str
    batch_size: int = 10
    window_seconds: float = 0.0
    reports_item_failures: bool = False
    concurrency: int = 5


@dataclass(frozen=True)
class FunctionSpec:
    """A function as the template declares it. ``folder`` holds the handler's module; ``environment`` is resolved."""

    name: str
    folder: Path
    handler: str
    memory_mb: int
    timeout_seconds: float
    environment: Mapping[str, str]
    ephemeral_mb: int = 512
    reserved_concurrency: int | None = None
    own_log_group: str | None = None
    asynchronous: AsynchronousCalls = AsynchronousCalls()
    queues: tuple[QueueMapping, ...] = ()

    @property
    def arn(self) -> str:
        """The function's ARN on the laptop."""
        return function_arn(self.name)

    @property
    def log_group(self) -> str:
        """The log group that the template names, or Lambda's own for the function."""
        return self.own_log_group or f"/aws/lambda/{self.name}"


@dataclass(frozen=True)
class StateMachineSpec:
    """The state machine: where its definition lies, the value of each ``${Name}`` in it, the alias of its latest version."""

    name: str
    definition_path: Path
    substitutions: Mapping[str, str]
    alias: str | None = None

    def definition(self) -> str:
        """The definition as shipped, with the substitutions made."""
        text = self.definition_path.read_text(encoding="utf-8")
        for name, value in self.substitutions.items():
            text = text.replace(f"${{{name}}}", value)
        return text


@dataclass(frozen=True)
class ScheduleSpec:
    """A schedule: when it fires, and what it sends to which queue or function. ``group`` is that of a FIFO queue."""

    name: str
    recurrence: Recurrence
    target_arn: str
    input: str
    group: str | None = None
    enabled: bool = True

    @property
    def arn(self) -> str:
        """The schedule's ARN on the laptop."""
        return f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{self.name}"


@dataclass(frozen=True)
class Template:
    """The part of the application's template that a laptop runs."""

    functions: tuple[FunctionSpec, ...]
    state_machines: tuple[StateMachineSpec, ...]
    resources: Resources
    schedules: tuple[ScheduleSpec, ...] = ()
    task_definitions: tuple[TaskDefinitionSpec, ...] = ()
    clusters: tuple[ClusterSpec, ...] = ()

    def declares(self, variable: str) -> bool:
        """Whether any function asks for an environment variable."""
        return any(variable in spec.environment for spec in self.functions)

    def with_variable(self, variable: str, value: str) -> Self:
        """The template with a value for the functions that ask for a variable."""
        functions = tuple(
            replace(spec, environment={**spec.environment, variable: value}) if variable in spec.environment else spec
            for spec in self.functions
        )
        return replace(self, functions=functions)

    def log_groups(self) -> dict[str, str]:
        """The log group of every function and every task definition that has one."""
        groups = {spec.name: spec.log_group for spec in self.functions}
        tasks = {spec.family: spec.container.log_group for spec in self.task_definitions}
        return groups | {family: group for family, group in tasks.items() if group is not None}


def function_arn(name: str) -> str:
    """The ARN of a function on the laptop."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def is_function(arn: str) -> bool:
    """Whether an ARN is that of a function."""
    return arn.split(":")[2:3] == ["lambda"]


def unqualified(arn: str) -> str:
    """The ARN of a function without its version or alias; any other ARN is answered as it is."""
    return ":".join(arn.split(":")[:QUALIFIED_PARTS]) if is_function(arn) else arn


def state_machine_arn(name: str) -> str:
    """The ARN of a state machine on the laptop."""
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{name}"
