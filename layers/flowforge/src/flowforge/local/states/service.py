"""The Step Functions service: state machines and executions, with the errors that AWS names.

Everything happens on one event loop; the methods are plain functions that must be called on it.
"""

import asyncio
import json
import random
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from flowforge.local.cloudformation import ACCOUNT, REGION
from flowforge.local.states.clock import Clock, SystemClock
from flowforge.local.states.definition import Container, Definition
from flowforge.local.states.errors import RUNTIME, ServiceError, StateError, does_not_exist
from flowforge.local.states.execution import Execution, StateMachine, Status
from flowforge.local.states.fields import InvalidDefinitionError
from flowforge.local.states.history import Event, History, failure_details
from flowforge.local.states.integrations import Integration
from flowforge.local.states.journal import Journal, NoJournal
from flowforge.local.states.machines import Machines, check_arn, check_name
from flowforge.local.states.memory import Memory
from flowforge.local.states.nested import StartExecution, StartExecutionAndWait
from flowforge.local.states.payload import DATA_LIMIT_BYTES
from flowforge.local.states.restore import Restored, event_record, read_records, start_record, take_ending
from flowforge.local.states.running import fail, run_execution
from flowforge.local.states.visit import Place, Run, ignore_place


def ignore_status(execution: Execution) -> None:
    """Tell nobody."""


class StatesService:
    """State machines and their executions. Those that ``journal`` remembers go on when ``recover`` is called.

    ``on_status`` hears of every start and end of an execution, on the loop.
    """

    def __init__(
        self,
        integrations: Iterable[Integration],
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
        on_status: Callable[[Execution], None] = ignore_status,
        random_number: Callable[[], float] = random.random,
        observe: Callable[[Place], None] = ignore_place,
    ) -> None:
        own: list[Integration] = [StartExecution(self), StartExecutionAndWait(self)]
        self._integrations = {integration.arn: integration for integration in [*own, *integrations]}
        self._clock = clock or SystemClock()
        self._journal = journal or NoJournal()
        self._on_status = on_status
        self._random = random_number
        self._observe = observe
        self._executions: dict[str, Execution] = {}
        self._recovered = False
        self.closing = False
        self.resources = {item.arn: item.names for item in self._integrations.values()}
        self.machines = Machines(self.resources, self._clock)

    def recover(self) -> None:
        """Take over what the journal tells, once: what ran goes on from its last finished state."""
        if self._recovered:
            return
        self._recovered = True
        for records in self._journal.logs():
            restored = read_records(records)
            if restored.start is not None:
                self._restore(restored.start, restored)

    def start_execution(self, machine_arn: str, input_text: str, name: str | None = None) -> Execution:
        """Start an execution, or find the one of that name and input that is running. Raises ServiceError."""
        if name is not None:
            check_name(name)
        machine = self.machines.get(machine_arn)
        value = _parse_input(input_text)
        name = name or str(uuid.uuid4())
        arn = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{machine.name}:{name}"
        existing = self._executions.get(arn)
        if existing is not None:
            if existing.status is Status.RUNNING and existing.input_text == input_text:
                return existing
            raise ServiceError("ExecutionAlreadyExists", f"Execution Already Exists: '{arn}'")
        execution = self._new_execution(arn, name, machine, input_text, value, self._clock.now())
        execution.log.write(start_record(execution), durable=True)
        self._on_status(execution)
        self._launch(execution, Restored())
        return execution

    def execution(self, arn: str) -> Execution:
        """Find an execution. Raises ServiceError."""
        check_arn(arn)
        if arn not in self._executions:
            raise does_not_exist("Execution", arn)
        return self._executions[arn]

    def executions(self, machine_arn: str, status: str | None = None) -> list[Execution]:
        """The executions of a state machine, or of a version or an alias of one, the latest first. Raises ServiceError."""
        self.machines.get(machine_arn)
        found = [
            execution
            for execution in self._executions.values()
            if machine_arn in (execution.machine.arn, execution.machine.version_arn, execution.machine.alias_arn)
            and status in (None, execution.status.value)
        ]
        return sorted(found, key=lambda execution: execution.started, reverse=True)

    def stop_execution(self, arn: str, error: str | None = None, cause: str | None = None) -> Execution:
        """Abort an execution; one that has ended stays as it is. Raises ServiceError."""
        execution = self.execution(arn)
        if execution.status is Status.RUNNING:
            execution.error, execution.cause = error, cause
            execution.end(Status.ABORTED, "ExecutionAborted", 0, failure_details(error, cause), self._clock)
            if execution.task is not None:
                execution.task.cancel()
        return execution

    def events(self, arn: str, *, reverse: bool = False) -> list[Event]:
        """The history of an execution. Raises ServiceError."""
        events = list(self.execution(arn).history.events)
        return events[::-1] if reverse else events

    async def close(self) -> None:
        """Cancel what still runs. In the journal it stays running, and goes on with the next service."""
        self.closing = True
        tasks = [execution.task for execution in self._executions.values() if execution.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _new_execution(
        self, arn: str, name: str, machine: StateMachine, input_text: str, value: Any, started: datetime
    ) -> Execution:
        log = self._journal.log(arn)
        history = History(self._clock, lambda event: log.write(event_record(event)))
        execution = Execution(arn, name, machine, input_text, value, started, history, log, self._on_status)
        self._executions[arn] = execution
        return execution

    def _launch(self, execution: Execution, restored: Restored) -> None:
        memory = Memory(execution.log, restored.left, restored.waits)

        def make_run(execution: Execution) -> Run:
            return Run(
                history=execution.history,
                clock=self._clock,
                context=execution.context(),
                integrations=self._integrations,
                memory=memory,
                random_number=self._random,
                observe=self._observe,
            )

        execution.task = asyncio.get_running_loop().create_task(run_execution(execution, make_run), name=execution.arn)

    def _restore(self, start: Any, restored: Restored) -> None:
        told = start["machine"]
        try:
            definition, refusal = self.machines.parse(told["text"]), None
        except InvalidDefinitionError as error:
            # An older service understood it. What has ended is still told; what ran cannot go on.
            definition, refusal = Definition(Container("", {}), None), error
        machine = StateMachine(
            told["arn"],
            told["name"],
            told["role_arn"],
            told["text"],
            definition,
            datetime.fromisoformat(told["created"]),
            datetime.fromisoformat(told["updated"]),
            told["revision"],
            told.get("version_arn"),
            told.get("alias_arn"),
        )
        started = datetime.fromisoformat(start["started"])
        execution = self._new_execution(start["arn"], start["name"], machine, start["input"], json.loads(start["input"]), started)
        execution.history.events.extend(restored.events)
        if restored.ending is not None:
            take_ending(execution, restored.ending)
        elif refusal is not None:
            failure = StateError(RUNTIME, f"The definition is not understood any more. {refusal.message}")
            fail(execution, failure, 0, self._clock)
        else:
            self._launch(execution, restored)


def _parse_input(text: str) -> Any:
    if len(text.encode()) > DATA_LIMIT_BYTES:
        raise ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: it exceeds {DATA_LIMIT_BYTES} bytes")
    if not text.strip():
        raise ServiceError("InvalidExecutionInput", "Invalid State Machine Execution Input: 'Invalid execution input.'")
    try:
        return json.loads(text)
    except ValueError as error:
        raise ServiceError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from error
