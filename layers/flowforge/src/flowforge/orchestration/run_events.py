"""What becomes of events about runs: those that the state machine sends itself, and those that come over the queue.

They come late, twice, in any order, or never; each is handled from what the lake and the service say now.
"""

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.metadata.database import Database
from flowforge.metadata.execution_list import succeeded_steps
from flowforge.metadata.run_state import execution_state, record_execution
from flowforge.metadata.wishes import hold_turns, wishes_wait
from flowforge.metadata.workflows import find_workflow
from flowforge.model.arrival import ArrivalEvent
from flowforge.model.errors import ConfigFault, RetryLater
from flowforge.model.execution import ExecutionRecord, JobFailure, RecordRequest, RecordResponse
from flowforge.model.plan import Plan
from flowforge.model.run_state import ExecutionState
from flowforge.model.run_status import Teller, execution_of
from flowforge.model.start import TurnRequest
from flowforge.model.status_change import DETAIL_TYPE, STATUS, TIMED_OUT, StatusChange
from flowforge.model.step import Step, StepResult
from flowforge.model.workflow import describe_problem
from flowforge.orchestration.completions import Completions
from flowforge.orchestration.machine import MachineExecution
from flowforge.orchestration.recording import record_event
from flowforge.orchestration.run_recording import record_end, record_finished_step, record_job_failure, record_planned, run_error
from flowforge.orchestration.start_queue import StartQueue
from flowforge.orchestration.step_facts import record_failure_facts, record_step_facts
from flowforge.orchestration.stored_results import finished_step, finished_steps, stored_plan
from flowforge.orchestration.task_ends import explained

Model = TypeVar("Model", bound=BaseModel)
TIMED_OUT_CAUSE = "the execution took longer than the state machine allows"
logger = logging.getLogger(__name__)


class RunEvents:
    """Records events, and tells the queue of wishes when one that waited for an end has its turn."""

    def __init__(self, lake: Lake, database: Database, queue: StartQueue, completions: Completions) -> None:
        self._lake = lake
        self._database = database
        self._queue = queue
        self._completions = completions

    @classmethod
    def from_environment(cls, completions: Completions) -> "RunEvents":
        """Lake, database and queue as the environment names them. Raises ConfigFault."""
        return cls(Lake.from_environment(), Database.from_environment(), StartQueue.from_environment(), completions)

    def record(self, request: RecordRequest) -> RecordResponse:
        """Record what the state machine tells. The event of a completed execution comes after its record.

        Raises RetryLater or CommitUnknown where it had better be told again.
        """
        execution_id, redrive = execution_of(request.execution_name or request.event.execution_id)
        event = request.event.model_copy(update={"execution_id": execution_id})
        if isinstance(event, JobFailure):
            return self._record_failure(explained(event, self._lake), redrive)
        response = record_event(event, self._lake)
        event = event.model_copy(update={"error": response.error, "cause": response.cause})
        turn_of = self._record_end(event, redrive)
        self._completions.tell(event)
        self._tell_turn(turn_of)
        return response

    def deliver(self, body: str) -> None:
        """Record what a message of the queue tells: a step's result that was stored, or a change of an execution's status.

        Raises ConfigFault for what cannot be understood, and RetryLater.
        """
        try:
            document = json.loads(body)
        except ValueError as error:
            raise ConfigFault(f"the message is no JSON: {error}") from error
        if isinstance(document, dict) and document.get("detail-type") == DETAIL_TYPE:
            change = _validated(StatusChange, document).detail
            ran = MachineExecution(change.status, change.started_at, change.ended_at, change.error, change.cause)
            self.record_status(change.name, ran, change.workflow_id)
            return
        place = keys.step_of_result(_validated(ArrivalEvent, document).detail.object.key)
        if place is not None:
            self._record_step(*place)

    def record_status(self, name: str, ran: MachineExecution, workflow_id: str | None = None) -> None:
        """Record what Step Functions says of an execution. Raises RetryLater."""
        execution_id, redrive = execution_of(name)
        status = STATUS[ran.status]
        plan = stored_plan(self._lake, execution_id) if status.is_final else None
        steps = finished_steps(self._lake, plan) if plan is not None else ()
        with self._database.transaction() as connection:
            known = execution_state(connection, execution_id)
            workflow_id = known["workflow_id"] if known is not None else workflow_id
            if workflow_id is None or (known is None and find_workflow(connection, workflow_id) is None):
                logger.warning("the execution %s is of no workflow that is known here", name)
                return
            told = ExecutionState(
                execution_id=execution_id,
                redrive=redrive,
                status=status,
                teller=Teller.MACHINE,
                workflow_id=workflow_id,
                started_at=ran.started_at,
                ended_at=ran.ended_at if status.is_final else None,
                error=ran.error or (ran.status if ran.status == TIMED_OUT else None),
                cause=ran.cause or (TIMED_OUT_CAUSE if ran.status == TIMED_OUT else None),
            )
            if status.is_final:
                hold_turns(connection, workflow_id)
            untold = _untold(connection, execution_id, steps)
            record_execution(connection, told)
            if plan is not None:
                for step in steps:
                    record_finished_step(connection, plan, step, redrive)
            turn_of = workflow_id if status.is_final and wishes_wait(connection, workflow_id) else None
        self._keep_facts(plan, untold)
        self._tell_turn(turn_of)

    def _record_failure(self, failure: JobFailure, redrive: int) -> RecordResponse:
        response, error = record_event(failure, self._lake), run_error(failure, self._lake)
        with self._database.transaction() as connection:
            known = execution_state(connection, failure.execution_id) is not None
            if known:
                record_job_failure(connection, failure, redrive, error, datetime.now(UTC))
        plan = stored_plan(self._lake, failure.execution_id) if known else None
        if plan is not None:
            with self._database.transaction() as connection:
                message = f"{error.error}: {error.message}"
                record_failure_facts(connection, plan, plan.job(failure.job_id), message, self._lake)
        return response

    def _record_end(self, record: ExecutionRecord, redrive: int) -> str | None:
        """Record an end; the answer is its workflow where a wish of it waits, None otherwise."""
        plan = stored_plan(self._lake, record.execution_id)
        steps = finished_steps(self._lake, plan) if plan is not None else ()
        with self._database.transaction() as connection:
            known = execution_state(connection, record.execution_id)
            workflow_id = known["workflow_id"] if known is not None else record.workflow_id
            if workflow_id is None or (known is None and find_workflow(connection, workflow_id) is None):
                logger.warning("the execution %s is of no workflow that is known here", record.execution_id)
                return None
            if known is None and plan is not None:
                record_planned(connection, plan, redrive, None)
            hold_turns(connection, workflow_id)
            untold = _untold(connection, record.execution_id, steps)
            record_end(connection, record.model_copy(update={"workflow_id": workflow_id}), redrive, plan, steps)
            turn_of = workflow_id if wishes_wait(connection, workflow_id) else None
        self._keep_facts(plan, untold)
        return turn_of

    def _tell_turn(self, workflow_id: str | None) -> None:
        if workflow_id is not None:
            try:
                self._queue.send(TurnRequest(turn_of=workflow_id))
            except RetryLater as error:
                # The end is recorded. Told again, this event would do no more than the next reconciliation does.
                logger.warning("the next wish of %s waits for the next reconciliation: %s", workflow_id, error)

    def _record_step(self, execution_id: str, job_id: str, step: Step) -> None:
        plan, found = stored_plan(self._lake, execution_id), finished_step(self._lake, execution_id, job_id, step)
        if plan is None or found is None:
            # It was purged meanwhile.
            return
        with self._database.transaction() as connection:
            known = execution_state(connection, execution_id)
            if known is None:
                if find_workflow(connection, plan.workflow_id) is None:
                    logger.warning("the execution %s is of no workflow that is known here", execution_id)
                    return
                record_planned(connection, plan, 0, None)
            record_finished_step(connection, plan, found, 0 if known is None else known["redrive"])
        self._keep_facts(plan, [found])

    def _keep_facts(self, plan: Plan | None, steps: Iterable[StepResult]) -> None:
        """Keep what steps tell beyond their state, each in a transaction of its own: the lake is read while nothing waits."""
        if plan is None:
            return
        for step in steps:
            with self._database.transaction() as connection:
                record_step_facts(connection, plan, plan.job(step.job_id), step, self._lake)


def _untold(connection: Connection, execution_id: str, steps: Iterable[StepResult]) -> list[StepResult]:
    """The steps whose end is not recorded yet: what the others told was kept when they told it."""
    told = succeeded_steps(connection, execution_id)
    return [step for step in steps if (step.job_id, step.step) not in told]


def _validated(model: type[Model], document: Any) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        lines = [describe_problem(problem["loc"], problem["msg"]) for problem in error.errors()]
        raise ConfigFault(f"the event: {'; '.join(lines)}") from error
