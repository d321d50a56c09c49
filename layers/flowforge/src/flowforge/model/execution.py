"""What is recorded of an execution and of a job that failed."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, JsonValue

from flowforge.model.base import Document
from flowforge.model.names import Identifier
from flowforge.model.step import Step
from flowforge.model.tier_choice import Escalation


class JobOutcome(Document):
    """How a job of an execution ended, which of its steps outgrew Lambda, and how often each was tried, on both tiers.

    ``error_key`` points to its JobFailure; None where it could not be recorded.
    """

    job_id: Identifier
    status: Literal["succeeded", "failed"]
    error_key: str | None = None
    escalations: tuple[Escalation, ...] = ()
    tries: dict[Step, int] = Field(default_factory=dict)


class JobFailure(Document):
    """The error that ended a job, as the state machine saw it. Stored under ``runs/{executionId}/{jobId}/error.json``."""

    kind: Literal["job_failed"] = "job_failed"
    schema_version: Literal[1] = 1
    execution_id: Identifier
    job_id: Identifier
    step: Step
    error: str
    cause: str


class StepFailure(Document):
    """Why a try of a step failed, and where: more than the exit code or the message that the state machine hears.

    Stored under ``runs/{executionId}/{jobId}/{step}.failure.json``, the last try's over those before. A later success
    does not remove it, so a reader looks for the step's result first and believes that. A task that was killed leaves
    none: one whose ``exit_code`` is not the task's own is of an earlier try.
    """

    schema_version: Literal[1] = 1
    execution_id: Identifier
    job_id: Identifier
    step: Step
    error: str
    message: str
    exit_code: int
    file: str | None = None
    row: int | None = None
    column: str | None = None
    option: str | None = None


class ExecutionRecord(Document):
    """How an execution ended. Stored as ``runs/{executionId}/record.json``.

    ``workflow_id`` and ``trigger`` are as the execution's input has them, which the plan may have refused; None where it has
    none. ``ended_at`` is when the state was entered that records the end, the same in every try.
    """

    kind: Literal["execution_ended"] = "execution_ended"
    schema_version: Literal[1] = 1
    execution_id: Identifier
    status: Literal["succeeded", "failed"]
    workflow_id: str | None = None
    trigger: JsonValue = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    jobs: tuple[JobOutcome, ...] = ()
    error: str | None = None
    cause: str | None = None


class RecordRequest(Document):
    """The payload of the function that records.

    ``execution_name`` is what Step Functions calls the execution, from which a redrive has its number.
    """

    execution_name: str | None = None
    event: Annotated[JobFailure | ExecutionRecord, Field(discriminator="kind")]


class RecordResponse(Document):
    """The answer of the function that records: where the record lies, and the error to end with in one line."""

    key: str
    error: str | None = None
    cause: str | None = None


def escalations_of(event: JobFailure | ExecutionRecord) -> tuple[Escalation, ...]:
    """The moves to Fargate that a record tells of; each is told once, at the end of its execution."""
    jobs = event.jobs if isinstance(event, ExecutionRecord) else ()
    return tuple(escalation for job in jobs for escalation in job.escalations)
