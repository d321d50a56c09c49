"""The plan of an execution: everything that a clock or a listing could change, fixed before the first step."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from flowforge.model.base import Document
from flowforge.model.errors import ConfigFault
from flowforge.model.job import Job
from flowforge.model.names import Identifier, Slug
from flowforge.model.source_format import SourceFormat
from flowforge.model.start import Trigger, require_one_purpose
from flowforge.model.step import Step
from flowforge.model.tier import Tier
from flowforge.model.tier_choice import StepTiers


class PlanRequest(Document):
    """The payload of the function that plans. ``input`` is the execution's input as it was started."""

    execution_id: Identifier
    started_at: AwareDatetime
    input: "ExecutionInput"


class ExecutionInput(Document):
    """What an execution is started with: the workflow, and the landing keys of a job where they are chosen by hand.

    ``files`` maps a job's id to keys in the order in which they are read; a job that is not there reads what its
    file pattern finds below its landing prefix, in order of arrival. ``jobs`` are those that run; all, where none is named.
    ``rebuild`` names a job whose Silver is made anew from its stored Bronze, ``replay`` a document of quarantined rows that go
    through again; either runs that job alone. ``trigger`` is kept for those who ask why it ran.
    """

    workflow_id: Identifier
    files: dict[Identifier, tuple[str, ...]] = Field(default_factory=dict)
    jobs: tuple[Identifier, ...] = ()
    rebuild: Identifier | None = None
    replay: str | None = None
    trigger: Trigger | None = None

    @model_validator(mode="after")
    def _one_purpose(self) -> Self:
        require_one_purpose(self.files, self.jobs, self.rebuild, self.replay)
        return self


DEFAULT_ROW_BYTES = 100.0
"""Where the head of a file shows no row."""


class SourceFile(Document):
    """A landing object as it was when the run was planned.

    What its head shows: ``format``, ``text_bytes`` (about its size as text in UTF-8, unpacked; None: its own size),
    ``scratch_bytes`` (what its copies take of /tmp), ``row_bytes`` (of that text, for a row) and ``columns``.
    """

    key: str
    name: str
    etag: str
    version_id: str | None = None
    size_bytes: Annotated[int, Field(ge=0)]
    format: SourceFormat = SourceFormat.CSV
    text_bytes: Annotated[int, Field(ge=0)] | None = None
    scratch_bytes: Annotated[int, Field(ge=0)] = 0
    row_bytes: Annotated[float, Field(gt=0)] = DEFAULT_ROW_BYTES
    columns: Annotated[int, Field(ge=1)] = 1


class StoredRun(Document):
    """A run whose Bronze is stored: its source files in order, and its objects. A replay's rows are of earlier runs."""

    run_id: str
    planned_at: AwareDatetime
    is_replay: bool = False
    files: tuple[str, ...]
    objects: tuple[str, ...]


class JobPlan(Document):
    """One job of the run: its definition, its run id, its sources in order, the contract it starts from (None: the first run).

    ``rebuild`` has the stored runs that Silver is made anew from, in the order of their plans; their objects are the sources
    then. ``replay`` is the key of the document of the rows that go through again. ``file_order`` tells, for both, the files of
    runs that had several.
    """

    job: Job
    run_id: str
    sources: tuple[SourceFile, ...]
    tiers: StepTiers
    contract_version: int | None = None
    rebuild: tuple[StoredRun, ...] | None = None
    replay: str | None = None
    file_order: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Plan(Document):
    """What every step of an execution reads first."""

    schema_version: Literal[1] = 1
    execution_id: Identifier
    workflow_id: Identifier
    workflow_slug: Slug
    planned_at: AwareDatetime
    jobs: tuple[JobPlan, ...]

    def job(self, job_id: str) -> JobPlan:
        """The job of that id. Raises ConfigFault where the plan has none."""
        for planned in self.jobs:
            if planned.job.id == job_id:
                return planned
        raise ConfigFault(f"the plan of {self.execution_id} has no job {job_id}")


class TaskSize(Document):
    """The tier of a step, and its task on Fargate in the words of RunTask, which takes numbers as text."""

    tier: Tier
    cpu: str
    memory: str


class PlannedJob(Document):
    """A job in the answer of the function that plans, with where its steps begin."""

    job_id: Identifier
    tiers: dict[Step, TaskSize]


class PlanResponse(Document):
    """The answer of the function that plans: whose plan it is, where it lies, and the jobs by order group.

    A redrive has the id and the plan of the execution that it goes on with.
    """

    execution_id: Identifier
    plan_key: str
    groups: tuple[tuple[PlannedJob, ...], ...]


PlanRequest.model_rebuild()
