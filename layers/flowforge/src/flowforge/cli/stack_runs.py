"""Starting an execution on the local stack: a wish through the queue, like any other."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flowforge.local.connection import StackConnection
from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.database import Database
from flowforge.metadata.execution_list import active_execution
from flowforge.metadata.run_state import execution_state
from flowforge.metadata.schema.runs import WishStatus
from flowforge.metadata.wishes import wish_of_execution
from flowforge.model.errors import ConfigFault
from flowforge.model.run_status import ExecutionStatus, execution_name
from flowforge.model.start import StartRequest, Trigger, TriggerType
from flowforge.orchestration.machine import Machine
from flowforge.orchestration.run_door import RunDoor

POLL_SECONDS = 0.05
MANUAL = Trigger(type=TriggerType.MANUAL)
NOT_TO_START = (WishStatus.SKIPPED, WishStatus.REFUSED, WishStatus.CANCELLED)


class StackRuns:
    """The door of a stack, for a command that waits for what it wished."""

    def __init__(self, database: Database, machine: Machine, door: RunDoor) -> None:
        self.database = database
        self._machine = machine
        self._door = door

    def start(self, request: StartRequest, waiting: Callable[[str], None]) -> str:
        """Wish for a run, and wait until Step Functions has it; the answer is the execution's ARN.

        ``waiting`` is told once, where another execution of the workflow comes first. Raises ConfigFault where the wish is
        not fulfilled, and as the door does.
        """
        wish = self._door.request(request, SYSTEM)
        return self._begun(wish.execution_id, 0, waiting)

    def start_once(self, request: StartRequest, waiting: Callable[[str], None]) -> tuple[str, bool]:
        """The same for a wish that may have been made before: the ARN, and whether there is something to follow.

        One that failed or was cancelled is gone on with.
        """
        execution_id = self._door.request(request, SYSTEM).execution_id
        with self.database.transaction() as connection:
            state = execution_state(connection, execution_id)
        status, redrive = (None, 0) if state is None else (state["status"], state["redrive"])
        if status in (ExecutionStatus.FAILED, ExecutionStatus.CANCELLED):
            redrive = self._door.redrive(execution_id, SYSTEM)
        return self._begun(execution_id, redrive, waiting), status is not ExecutionStatus.SUCCEEDED

    def _begun(self, execution_id: str, redrive: int, waiting: Callable[[str], None]) -> str:
        name, told = execution_name(execution_id, redrive), False
        while self._machine.describe(name) is None:
            with self.database.transaction() as connection:
                wish = wish_of_execution(connection, execution_id)
            if wish is not None and wish.status in NOT_TO_START:
                raise ConfigFault(f"the run was {wish.status.value}: {wish.reason}")
            if not told and wish is not None and wish.status is WishStatus.WAITING:
                told = self._tell(wish.workflow_id, waiting)
            time.sleep(POLL_SECONDS)
        return self._machine.execution_arn(name)

    def _tell(self, workflow_id: str, waiting: Callable[[str], None]) -> bool:
        """Tell which execution comes first, where one does: a wish also waits for the queue to bring it."""
        with self.database.transaction() as connection:
            active = active_execution(connection, workflow_id)
        if active is not None:
            waiting(f"Waiting for the end of {active}, which runs this workflow")
        return active is not None


@contextmanager
def stack_runs(stack: StackConnection) -> Iterator[StackRuns]:
    """The door of a stack, with its database for as long as the block runs."""
    database, machine = stack.database(), stack.machine()
    try:
        yield StackRuns(database, machine, stack.door(database))
    finally:
        database.close()


def new_key() -> str:
    """An idempotency key that nobody used: each time a command is given is a wish of its own."""
    return secrets.token_hex(16)
