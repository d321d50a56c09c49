"""From wishes to executions: each wish once, and those of a workflow as its concurrency says.

Whoever does this may be killed anywhere, and may do it twice at once. What is decided stands in the database before Step
Functions hears of it, and the execution's name follows from the wish, so the same wish starts the same execution.
"""

from flowforge.metadata.database import Database
from flowforge.metadata.run_state import execution_state, record_execution
from flowforge.metadata.wishes import Wish, admit, admit_next, mark_started, refuse, take_wish, wish_of_execution
from flowforge.model.errors import ConfigFault
from flowforge.model.plan import ExecutionInput
from flowforge.model.run_state import ExecutionState
from flowforge.model.run_status import ExecutionStatus, execution_name
from flowforge.model.start import StartRequest
from flowforge.orchestration.machine import Machine
from flowforge.orchestration.run_requests import execution_id, require_runnable

NOT_STARTED = "NotStarted"


class Starter:
    """Starts what was wished on a state machine."""

    def __init__(self, database: Database, machine: Machine) -> None:
        self.database = database
        self.machine = machine

    @classmethod
    def from_environment(cls) -> "Starter":
        """Database and state machine as the environment names them. Raises ConfigFault."""
        return cls(Database.from_environment(), Machine.from_environment())

    def take(self, request: StartRequest) -> Wish:
        """Keep a wish, decide on it, and start its execution where its turn has come; its state after that.

        Raises a Refusal or ConfigFault for what can never be started, RetryLater where it had better be tried again.
        """
        with self.database.transaction() as connection:
            require_runnable(connection, request)
            wish, _ = take_wish(connection, request, execution_id(request))
            wish = admit(connection, wish.id)
        return self.start(wish) if wish.is_to_start else wish

    def start(self, wish: Wish) -> Wish:
        """Start the execution of an admitted wish, unless it was started before. Raises RetryLater or ConfigFault."""
        try:
            self.machine.start(wish.execution_id, _input(wish.request))
        except ConfigFault as fault:
            self._give_up(wish, fault)
            raise
        with self.database.transaction() as connection:
            mark_started(connection, wish.id)
            state = execution_state(connection, wish.execution_id)
        if state is not None and state["cancel_requested_at"] is not None:
            self.machine.stop(wish.execution_id, cause=f"cancelled by {state['cancel_requested_by']}")
        return wish

    def start_next(self, workflow_id: str) -> int:
        """Start the wishes of a workflow whose turn has come; how many. Raises RetryLater."""
        started = 0
        while True:
            with self.database.transaction() as connection:
                wish = admit_next(connection, workflow_id)
            if wish is None:
                return started
            try:
                self.start(wish)
            except ConfigFault:
                # It is refused, with the reason, so the next one has its turn.
                continue
            started += 1

    def restart(self, execution: str, redrive: int, workflow_id: str) -> None:
        """Start the machine for a redrive, unless it was started before. Raises RetryLater or ConfigFault."""
        with self.database.transaction() as connection:
            wish = wish_of_execution(connection, execution)
        given = ExecutionInput(workflow_id=workflow_id) if wish is None else _input(wish.request)
        self.machine.start(execution_name(execution, redrive), given)

    def _give_up(self, wish: Wish, fault: ConfigFault) -> None:
        ended = ExecutionState(
            execution_id=wish.execution_id,
            workflow_id=wish.workflow_id,
            status=ExecutionStatus.FAILED,
            error=NOT_STARTED,
            cause=str(fault),
        )
        with self.database.transaction() as connection:
            refuse(connection, wish.id, str(fault))
            record_execution(connection, ended)


def _input(asked: StartRequest) -> ExecutionInput:
    return ExecutionInput(
        workflow_id=asked.workflow_id,
        files=asked.files,
        jobs=asked.jobs,
        rebuild=asked.rebuild,
        replay=asked.replay,
        trigger=asked.trigger,
    )
