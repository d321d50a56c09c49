"""Runs state machines on a virtual clock, with functions that follow a script. What the tests of the service share."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flowforge.local.sandbox import Outcome
from flowforge.local.states.clock import LoopClock, VirtualTimeLoop
from flowforge.local.states.errors import StateError
from flowforge.local.states.execution import Execution
from flowforge.local.states.fields import ArgumentNames
from flowforge.local.states.integrations import Call, Integration, LambdaInvoke, function_name, lambda_result, not_found
from flowforge.local.states.run_task import RunTaskAndWait, refusal, task_result
from flowforge.local.states.service import StatesService
from flowforge.local.states.visit import Place, ignore_place
from flowforge.local.task_definitions import ClusterSpec, ContainerSpec, TaskDefinitionSpec
from flowforge.local.task_description import EXITED, Progress, describe
from flowforge.local.task_request import RunTaskError, read_request

ROLE = "arn:aws:iam::000000000000:role/test"
DAWN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Raises:
    """A function that fails with an error of this type."""

    error_type: str | None
    message: str = "it failed"


@dataclass(frozen=True)
class Takes:
    """A function that needs some seconds for its answer."""

    seconds: float
    answer: Any = None


Behaviour = Any
"""An answer, a function of the event that gives one, Raises, or Takes; a list of them for one call after the other."""


@dataclass
class ScriptedFunctions:
    """``lambda:invoke`` without processes: each function does what its script says, the last line again and again."""

    script: Mapping[str, Behaviour]
    calls: list[tuple[str, Any]] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    arn = LambdaInvoke.arn
    resource_type = LambdaInvoke.resource_type
    resource = LambdaInvoke.resource
    names: ArgumentNames = LambdaInvoke.names

    async def call(self, call: Call) -> Any:
        arguments = call.arguments
        name, event = function_name(arguments["FunctionName"]), arguments.get("Payload", {})
        if name not in self.script:
            raise not_found(name)
        line = self.script[name]
        if isinstance(line, list):
            line = line[min(len([call for call in self.calls if call[0] == name]), len(line) - 1)]
        self.calls.append((name, event))
        self.started.append(asyncio.get_running_loop().time())
        if isinstance(line, Takes):
            await asyncio.sleep(line.seconds)
            line = line.answer
        if callable(line):
            line = line(event)
        if isinstance(line, Raises):
            payload: dict[str, Any] = {"errorMessage": line.message, "errorType": line.error_type, "stackTrace": []}
            known = {name: value for name, value in payload.items() if value is not None}
            return lambda_result(Outcome("request", json.dumps(known).encode(), "Unhandled"))
        return lambda_result(Outcome("request", json.dumps(line).encode()))


@dataclass
class ScriptedTasks:
    """``ecs:runTask.sync`` without processes: a script tells, by the task definition's family, with which code a task exits.

    An integer is that code, Takes the time that it needs, Raises an error that RunTask itself gives; a function of the
    arguments and a list work as they do for functions. ``calls`` holds the arguments. A family that ``definitions`` does
    not tell is a task of 1 vCPU and 2 GB.
    """

    script: Mapping[str, Behaviour]
    definitions: tuple[TaskDefinitionSpec, ...] = ()
    calls: list[tuple[str, Any]] = field(default_factory=list)
    arn = RunTaskAndWait.arn
    resource_type = RunTaskAndWait.resource_type
    resource = RunTaskAndWait.resource
    names: ArgumentNames = RunTaskAndWait.names

    async def call(self, call: Call) -> Any:
        arguments = call.arguments
        family = arguments["TaskDefinition"].rpartition("/")[2].partition(":")[0]
        cluster = arguments.get("Cluster", "default").rpartition("/")[2]
        container = next(iter(arguments.get("Overrides", {}).get("ContainerOverrides", [{"Name": "worker"}])))["Name"]
        definition = TaskDefinitionSpec(family, 1024, 2048, ContainerSpec(container, Path("worker.py")))
        clusters = [ClusterSpec(cluster, ("FARGATE", "FARGATE_SPOT"), ("FARGATE",))]
        try:
            request = read_request(arguments, clusters, [*self.definitions, definition])
        except RunTaskError as error:
            raise refusal(error) from error
        line = self.script.get(family, 0)
        if isinstance(line, list):
            line = line[min(len([call for call in self.calls if call[0] == family]), len(line) - 1)]
        self.calls.append((family, arguments))
        if callable(line):
            line = line(arguments)
        if isinstance(line, Raises):
            raise StateError(line.error_type, line.message)
        progress = Progress(f"{len(self.calls):032x}")
        call.submitted({"Failures": [], "Tasks": [describe(request, progress)]})
        if isinstance(line, Takes):
            await asyncio.sleep(line.seconds)
            line = line.answer
        progress.status, progress.stop, progress.exit_code = "STOPPED", EXITED, line or 0
        return task_result(describe(request, progress))


@dataclass(frozen=True)
class Ended:
    """An execution after its end."""

    execution: Execution
    functions: ScriptedFunctions
    tasks: ScriptedTasks = field(default_factory=lambda: ScriptedTasks({}))

    @property
    def status(self) -> str:
        return self.execution.status.value

    @property
    def output(self) -> Any:
        assert self.execution.output_text is not None, f"{self.execution.error}: {self.execution.cause}"
        return json.loads(self.execution.output_text)

    @property
    def failure(self) -> tuple[str | None, str | None]:
        return self.execution.error, self.execution.cause

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.execution.history.events]

    @property
    def chain(self) -> list[tuple[int, int, str]]:
        return [(event.id, event.previous_id, event.kind) for event in self.execution.history.events]

    @property
    def duration(self) -> timedelta:
        assert self.execution.stopped is not None
        return self.execution.stopped - self.execution.started

    def details(self, kind: str) -> list[dict[str, Any]]:
        return [dict(event.details) for event in self.execution.history.events if event.kind == kind]


def run(
    definition: Mapping[str, Any] | str,
    value: Any = None,
    script: Mapping[str, Behaviour] | None = None,
    *,
    task_definitions: Iterable[TaskDefinitionSpec] = (),
    meanwhile: Callable[[StatesService, Execution], object] | None = None,
    meanwhile_after: float = 0,
    observe: Callable[[Place], None] = ignore_place,
    jitter: float = 1.0,
    others: Sequence[Integration] = (),
) -> Ended:
    """Run a definition to its end, in no time at all.

    ``meanwhile`` acts on it after some virtual seconds; ``others`` are what it can call besides functions.
    """
    functions, tasks = ScriptedFunctions(script or {}), ScriptedTasks(script or {}, tuple(task_definitions))
    text = definition if isinstance(definition, str) else json.dumps(definition)
    loop = VirtualTimeLoop()

    async def main() -> Execution:
        clock = LoopClock(loop, DAWN)
        known = {item.arn for item in others}
        integrations = [functions, *others, *([] if tasks.arn in known else [tasks])]
        service = StatesService(integrations, clock=clock, random_number=lambda: jitter, observe=observe)
        machine = service.machines.create("Test", text, ROLE)
        execution = service.start_execution(machine.arn, json.dumps({} if value is None else value), "run")
        if meanwhile is not None:
            loop.call_later(meanwhile_after, meanwhile, service, execution)
        assert execution.task is not None
        await asyncio.gather(execution.task, return_exceptions=True)
        return execution

    try:
        return Ended(loop.run_until_complete(main()), functions, tasks)
    finally:
        loop.close()


def machine(states: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A JSONata machine that starts with the first of these states."""
    return {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": dict(states), **fields}


def single(state: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A machine of one state, named S, that ends there."""
    return machine({"S": {"End": True, **state}}, **fields)


def task(function: str = "F", **fields: Any) -> dict[str, Any]:
    """A Task state that gives its input to a function."""
    arguments = {"FunctionName": function, "Payload": "{% $states.input %}"}
    return {"Type": "Task", "Resource": LambdaInvoke.arn, "Arguments": arguments, **fields}
