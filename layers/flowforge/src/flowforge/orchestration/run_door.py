"""The door through which people and programs start, cancel and go on with runs."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from flowforge.metadata import audit
from flowforge.metadata.audit import Actor
from flowforge.metadata.database import Database
from flowforge.metadata.execution_list import active_execution
from flowforge.metadata.refusals import InUse, NotThere
from flowforge.metadata.run_state import begin_redrive, execution_state, request_cancel
from flowforge.metadata.schema.runs import WishStatus
from flowforge.metadata.wishes import Wish, cancel_wish, wish_of_execution
from flowforge.metadata.workflows import locked_workflow
from flowforge.model.errors import RetryLater
from flowforge.model.run_status import execution_name
from flowforge.model.start import StartRequest
from flowforge.model.workflow_settings import Concurrency
from flowforge.orchestration.dead_letters import DeadLetter, DeadLetters
from flowforge.orchestration.machine import Machine
from flowforge.orchestration.run_requests import request_run
from flowforge.orchestration.start_queue import StartQueue
from flowforge.orchestration.starting import Starter

ENTITY = "execution"
LETTER = "dead letter"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunDoor:
    """The queue of wishes, the machine that runs them, and the queue of what could not be understood or done."""

    queue: StartQueue
    starter: Starter
    dead_letters: DeadLetters

    @classmethod
    def from_environment(cls, database: Database) -> "RunDoor":
        """Queues and state machine as the environment names them. Raises ConfigFault."""
        return cls(StartQueue.from_environment(), Starter(database, Machine.from_environment()), DeadLetters.from_environment())

    def request(self, request: StartRequest, actor: Actor) -> Wish:
        """Wish for a run. Raises as ``request_run``."""
        return request_run(self.starter.database, self.queue, request, by=actor.name)

    def cancel(self, execution_id: str, actor: Actor, reason: str = "") -> None:
        """Withdraw a wish that waits, or stop an execution; it is cancelled once Step Functions says so.

        Raises NotThere, and InUse for one that has ended.
        """
        cause = f"cancelled by {actor.name}" + (f": {reason}" if reason else "")
        with self.starter.database.transaction() as connection:
            if self._withdrawn(connection, execution_id, cause):
                audit.write(connection, actor, "cancel", (ENTITY, execution_id), after={"reason": reason})
                return
            request_cancel(connection, execution_id, actor.name)
            audit.write(connection, actor, "cancel", (ENTITY, execution_id), after={"reason": reason})
            row = execution_state(connection, execution_id)
        if row is not None:
            try:
                self.starter.machine.stop(execution_name(execution_id, row["redrive"]), cause=cause)
            except RetryLater as error:
                # That it is to stop is kept: the next reconciliation stops it.
                logger.warning("the execution %s is stopped later: %s", execution_id, error)

    def redrive(self, execution_id: str, actor: Actor) -> int:
        """Go on with an execution that failed or was cancelled, from the steps that had not finished; the number of the redrive.

        Raises NotThere, and InUse for one that is active or succeeded, or while another one of its workflow is active.
        """
        with self.starter.database.transaction() as connection:
            row = execution_state(connection, execution_id)
            if row is None:
                raise NotThere(f"there is no execution {execution_id}", option="executionId")
            workflow = locked_workflow(connection, row["workflow_id"])
            other = active_execution(connection, workflow.id)
            if workflow.settings.concurrency is not Concurrency.PARALLEL and other not in (None, execution_id):
                raise InUse(f"the execution {other} of {workflow.name} is active: wait for its end, or cancel it")
            number = begin_redrive(connection, execution_id)
            audit.write(connection, actor, "redrive", (ENTITY, execution_id), after={"redrive": number})
        try:
            self.starter.restart(execution_id, number, workflow.id)
        except RetryLater as error:
            logger.warning("the redrive %s of %s starts later: %s", number, execution_id, error)
        return number

    def send_again(self, letter_id: str, actor: Actor) -> DeadLetter:
        """Send a dead letter where it came from; it means the same there. Raises NotThere and RetryLater."""
        letter = self._taken(letter_id, self.queue.send_text)
        with self.starter.database.transaction() as connection:
            audit.write(connection, actor, "redrive", (LETTER, letter_id), before={"body": letter.body, "reason": letter.reason})
        return letter

    def give_up(self, letter_id: str, actor: Actor) -> None:
        """Remove a dead letter; the audit log keeps what it was. Raises NotThere and RetryLater."""
        letter = self._taken(letter_id, None)
        with self.starter.database.transaction() as connection:
            audit.write(connection, actor, "delete", (LETTER, letter_id), before={"body": letter.body, "reason": letter.reason})

    def _taken(self, letter_id: str, send: Callable[[str], None] | None) -> DeadLetter:
        letter = self.dead_letters.take(letter_id, send)
        if letter is None:
            raise NotThere(f"there is no dead letter {letter_id}, or somebody is looking at it now", option="id")
        return letter

    def _withdrawn(self, connection: Connection, execution_id: str, cause: str) -> bool:
        wish = wish_of_execution(connection, execution_id)
        return wish is not None and cancel_wish(connection, wish.id, cause).status is WishStatus.CANCELLED
