"""What is told of an execution, a job or a step while it runs: late, twice, or never."""

from typing import Annotated

from pydantic import AwareDatetime, Field, JsonValue

from flowforge.model.base import Document
from flowforge.model.names import Identifier
from flowforge.model.run_status import ExecutionStatus, JobStatus, Teller
from flowforge.model.start import Trigger
from flowforge.model.step import Step
from flowforge.model.tier import Tier
from flowforge.model.tier_choice import Escalation

RedriveNumber = Annotated[int, Field(ge=0)]


class ExecutionState(Document):
    """A state of an execution. ``workflow_id`` may be unknown to whoever tells of an execution that is recorded already."""

    execution_id: Identifier
    redrive: RedriveNumber = 0
    status: ExecutionStatus
    teller: Teller = Teller.RECORD
    workflow_id: Identifier | None = None
    trigger: Trigger | None = None
    plan_key: str | None = None
    planned_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    error: str | None = None
    cause: str | None = None


class RunError(Document):
    """Why a job or a step failed: the class of the tree, and where."""

    error: str
    message: str = ""
    file: str | None = None
    row: int | None = None
    column: str | None = None
    option: str | None = None


class JobState(Document):
    """A state of a job of an execution."""

    execution_id: Identifier
    job_id: Identifier
    redrive: RedriveNumber = 0
    status: JobStatus
    run_id: str | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    failed_step: Step | None = None
    error: RunError | None = None


class StepState(Document):
    """A state of a step. ``attempt`` counts from 1; ``counts`` and ``outputs`` are those of the step's result."""

    execution_id: Identifier
    job_id: Identifier
    step: Step
    redrive: RedriveNumber = 0
    status: JobStatus
    tier: Tier | None = None
    attempt: Annotated[int, Field(ge=1)] | None = None
    escalation: Escalation | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    duration_seconds: Annotated[float, Field(ge=0)] | None = None
    rows_read: Annotated[int, Field(ge=0)] | None = None
    rows_written: Annotated[int, Field(ge=0)] | None = None
    rows_set_aside: Annotated[int, Field(ge=0)] | None = None
    counts: dict[str, JsonValue] | None = None
    outputs: list[JsonValue] | None = None
    notes: tuple[str, ...] | None = None
    error: RunError | None = None
