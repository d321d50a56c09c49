"""Workflows and jobs as the API shows them, by the field names that clients of FlowForge know."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from pydantic import JsonValue
from sqlalchemy import RowMapping

from flowforge.metadata.stored_workflow import StoredWorkflow
from flowforge.model.base import Document
from flowforge.model.environment import Environment
from flowforge.model.job import Job, JobType
from flowforge.model.run_status import ExecutionStatus
from flowforge.model.tier import PinnedTier
from flowforge.model.workflow_settings import Concurrency, DataClassification, Priority
from flowforge.web.execution_views import milliseconds


class JobView(Document):
    """A job. The configurations are the documents that the steps read."""

    id: str
    workflow_id: str
    name: str
    slug: str
    description: str
    type: JobType
    order: int
    tier: PinnedTier
    source_config: dict[str, JsonValue]
    transformation_config: dict[str, JsonValue]
    validation_config: dict[str, JsonValue]
    destination_config: dict[str, JsonValue]

    @classmethod
    def of(cls, workflow_id: str, job: Job) -> Self:
        """Show a job."""
        document = job.model_dump(mode="json", by_alias=True, exclude_none=True)
        return cls.model_validate({**{name: document[name] for name in _JOB_FIELDS}, "workflowId": workflow_id})


_JOB_FIELDS = (
    *("id", "name", "slug", "description", "type", "order", "tier"),
    *("sourceConfig", "transformationConfig", "validationConfig", "destinationConfig"),
)


class LastExecution(Document):
    """The newest execution of a workflow; ``duration`` in milliseconds."""

    id: str
    status: ExecutionStatus
    start_time: datetime | None
    end_time: datetime | None
    duration: int | None
    completed_jobs: int
    failed_jobs: int
    total_jobs: int

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row of a page of executions."""
        started, ended = row["started_at"], row["ended_at"]
        return cls(
            id=row["id"],
            status=row["status"],
            start_time=started,
            end_time=ended,
            duration=milliseconds(started, ended),
            completed_jobs=row["completed_jobs"],
            failed_jobs=row["failed_jobs"],
            total_jobs=row["total_jobs"],
        )


class WorkflowView(Document):
    """A workflow with its jobs in their order.

    ``status`` and ``type`` follow from what starts it: ``manual``, or ``arrival`` and ``event-driven`` where files do.
    """

    id: str
    name: str
    slug: str
    description: str
    environment: Environment
    application: str
    owner: str
    team: str
    priority: Priority
    data_classification: DataClassification
    notification_email: str
    tags: tuple[str, ...]
    concurrency: Concurrency
    paused: bool
    status: str
    type: str
    triggers: list[dict[str, JsonValue]]
    jobs: list[JobView]
    version: int
    created_at: datetime
    updated_at: datetime
    last_run: datetime | None = None
    last_execution: LastExecution | None = None

    @classmethod
    def of(cls, stored: StoredWorkflow, last: RowMapping | None = None) -> Self:
        """Show a workflow, with its newest execution where that is asked for."""
        settings: Mapping[str, Any] = stored.settings.model_dump()
        return cls(
            id=stored.id,
            name=stored.name,
            slug=stored.slug,
            description=stored.description,
            environment=stored.environment,
            status=status_of(stored.triggers, paused=stored.settings.paused),
            type=type_of(stored.triggers),
            triggers=list(stored.triggers),
            jobs=[JobView.of(stored.id, job) for job in stored.jobs],
            version=stored.version,
            created_at=stored.created_at,
            updated_at=stored.updated_at,
            last_run=last["started_at"] if last else None,
            last_execution=LastExecution.of(last) if last else None,
            **settings,
        )


def status_of(triggers: Sequence[Any], *, paused: bool) -> str:
    """What starts a workflow, or that it is paused."""
    started = "arrival" if triggers else "manual"
    return "paused" if paused else started


def type_of(triggers: Sequence[Any]) -> str:
    """Whether events start a workflow, or people alone."""
    return "event-driven" if triggers else "manual"
