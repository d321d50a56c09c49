"""The Step Functions service: state machines and executions, with the errors that AWS names.

Everything happens on one event loop; the methods are plain functions that must be called on it.
"""

import asyncio
import json
import random
import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from flowforge.local.cloudformation import ACCOUNT, REGION
from flowforge.local.states.clock import Clock, SystemClock
from flowforge.local.states.errors import ServiceError
from flowforge.local.states.execution import Execution, StateMachine, Status, run_execution
from flowforge.local.states.history import Event, History, failure_details
from flowforge.local.states.integrations import Integration
from flowforge.local.states.parser import parse_definition
from flowforge.local.states.payload import DATA_LIMIT_BYTES
from flowforge.local.states.visit import Place, Run, ignore_place
from flowforge.local.template import state_machine_arn

_NAME = re.compile(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}""")


class StatesService:
    """State machines and their executions, kept in memory for as long as the stack runs."""

    def __init__(
        self,
        integrations: Iterable[Integration],
        *,
        clock: Clock | None = None,
        random_number: Callable[[], float] = random.random,
        observe: Callable[[Place], None] = ignore_place,
    ) -> None:
        self._integrations = {integration.arn: integration for integration in integrations}
        self._clock = clock or SystemClock()
        self._random = random_number
        self._observe = observe
        self._machines: dict[str, StateMachine] = {}
        self._executions: dict[str, Execution] = {}

    def create_state_machine(self, name: str, definition: str, role_arn: str) -> StateMachine:
        """Create a state machine; the same one again is the same one. Raises ServiceError for what is not understood."""
        _check_name(name)
        arn = state_machine_arn(name)
        resources = {item.arn: item.arguments for item in self._integrations.values()}
        parsed = parse_definition(definition, resources=resources)
        existing = self._machines.get(arn)
        if existing is not None:
            if (existing.text, existing.role_arn) != (definition, role_arn):
                raise ServiceError("StateMachineAlreadyExists", f"State Machine Already Exists: '{arn}'")
            return existing
        machine = StateMachine(arn, name, role_arn, definition, parsed, self._clock.now())
        self._machines[arn] = machine
        return machine

    def state_machine(self, arn: str) -> StateMachine:
        """Find a state machine. Raises ServiceError."""
        if arn not in self._machines:
            raise ServiceError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return self._machines[arn]

    def state_machines(self) -> list[StateMachine]:
        """All state machines, by name."""
        return sorted(self._machines.values(), key=lambda machine: machine.name)

    def start_execution(self, machine_arn: str, input_text: str, name: str | None = None) -> Execution:
        """Start an execution, or find the one of that name and input that is running. Raises ServiceError."""
        machine = self.state_machine(machine_arn)
        value = _parse_input(input_text)
        if name is not None:
            _check_name(name)
        name = name or str(uuid.uuid4())
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{machine.name}:{name}"
        existing = self._executions.get(arn)
        if existing is not None:
            if existing.status is Status.RUNNING and existing.input_text == input_text:
                return existing
            raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        history = History(self._clock)
        execution = Execution(arn, name, machine, input_text, value, self._clock.now(), history)
        self._executions[arn] = execution
        execution.task = asyncio.get_running_loop().create_task(run_execution(execution, self._run), name=arn)
        return execution

    def execution(self, arn: str) -> Execution:
        """Find an execution. Raises ServiceError."""
        if arn not in self._executions:
            raise ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return self._executions[arn]

    def executions(self, machine_arn: str, status: str | None = None) -> list[Execution]:
        """The executions of a state machine, the latest first. Raises ServiceError."""
        machine = self.state_machine(machine_arn)
        found = [
            execution
            for execution in self._executions.values()
            if execution.machine.arn == machine.arn and status in (None, execution.status.value)
        ]
        return sorted(found, key=lambda execution: execution.started, reverse=True)

    def stop_execution(self, arn: str, error: str | None = None, cause: str | None = None) -> Execution:
        """Abort an execution; one that has ended stays as it is. Raises ServiceError."""
        execution = self.execution(arn)
        if execution.status is Status.RUNNING:
            execution.error, execution.cause = error, cause
            key, details = "executionAbortedEventDetails", failure_details(error, cause)
            execution.end(Status.ABORTED, "ExecutionAborted", 0, key, details, self._clock)
            if execution.task is not None:
                execution.task.cancel()
        return execution

    def events(self, arn: str, *, reverse: bool = False) -> list[Event]:
        """The history of an execution. Raises ServiceError."""
        events = list(self.execution(arn).history.events)
        return events[::-1] if reverse else events

    async def close(self) -> None:
        """Cancel what still runs."""
        tasks = [execution.task for execution in self._executions.values() if execution.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _run(self, execution: Execution) -> Run:
        return Run(
            history=execution.history,
            clock=self._clock,
            context=execution.context(),
            integrations=self._integrations,
            random_number=self._random,
            observe=self._observe,
        )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ServiceError("InvalidName", f"Invalid Name: '{name}'")


def _parse_input(text: str) -> Any:
    if len(text.encode()) > DATA_LIMIT_BYTES:
        raise ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: it exceeds {DATA_LIMIT_BYTES} bytes")
    try:
        return json.loads(text)
    except ValueError as error:
        raise ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from error
