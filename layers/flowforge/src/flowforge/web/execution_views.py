"""Executions as the API shows them, by the field names that clients of FlowForge know. Durations are milliseconds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from pydantic import JsonValue
from sqlalchemy import RowMapping

from flowforge.metadata.execution_list import JobsOfExecution
from flowforge.metadata.schema.runs import WishStatus
from flowforge.metadata.wishes import Wish
from flowforge.model.base import Document
from flowforge.model.job import JobType
from flowforge.model.run_status import ExecutionStatus, JobStatus
from flowforge.model.step import Step
from flowforge.model.tier import Tier

LAYER_OF_STEP = {Step.BRONZE_INGEST: "bronze", Step.SILVER_TRANSFORM: "silver", Step.GOLD_PUBLISH: "gold"}


class StepView(Document):
    """A step of a job: where and how often it ran, what it counted, why it moved, why it failed."""

    step: Step
    status: JobStatus
    tier: Tier | None
    attempt: int | None
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    rows_read: int | None
    rows_written: int | None
    rows_set_aside: int | None
    counts: dict[str, JsonValue] | None
    outputs: list[JsonValue] | None
    notes: list[str] | None
    escalation: dict[str, JsonValue] | None
    error: dict[str, JsonValue] | None

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row."""
        same = (
            *("step", "status", "tier", "attempt", "started_at", "rows_read", "rows_written", "rows_set_aside"),
            *("counts", "outputs", "notes", "escalation", "error"),
        )
        seconds = row["duration_seconds"]
        return cls(
            **{name: row[name] for name in same},
            completed_at=row["ended_at"],
            duration_ms=round(seconds * 1000) if seconds is not None else None,
        )


class JobExecutionView(Document):
    """A job of an execution with its steps. ``error`` is a line for people; the steps have its class, file, row and field."""

    id: str
    job_id: str
    job_name: str
    job_type: JobType
    order: int
    status: JobStatus
    run_id: str | None
    started_at: datetime | None
    completed_at: datetime | None
    duration_ms: int | None
    records_processed: int
    bronze_records: int
    silver_records: int
    gold_records: int
    bronze_file_path: str | None
    silver_file_path: str | None
    gold_file_path: str | None
    error: str | None
    failed_step: Step | None
    steps: list[StepView]

    @classmethod
    def of(cls, row: RowMapping, steps: Mapping[Step, RowMapping]) -> Self:
        """Show a job with its steps."""
        error = row["error"]
        written = {layer: _number(steps.get(step), "rows_written") for step, layer in LAYER_OF_STEP.items()}
        paths = {f"{layer}_file_path": _path(steps.get(step), layer) for step, layer in LAYER_OF_STEP.items()}
        return cls(
            id=f"{row['execution_id']}/{row['job_id']}",
            job_id=row["job_id"],
            job_name=row["name"],
            job_type=row["type"],
            order=row["order_index"],
            status=row["status"],
            run_id=row["run_id"],
            started_at=row["started_at"],
            completed_at=row["ended_at"],
            duration_ms=milliseconds(row["started_at"], row["ended_at"]),
            records_processed=_number(steps.get(Step.BRONZE_INGEST), "rows_read"),
            bronze_records=written["bronze"],
            silver_records=written["silver"],
            gold_records=written["gold"],
            error=f"{error['error']}: {error['message']}" if error else None,
            failed_step=row["failed_step"],
            steps=[StepView.of(steps[step]) for step in Step if step in steps],
            **paths,
        )


class ExecutionMetrics(Document):
    """The jobs of an execution by their states, and the records that they read and wrote."""

    total_jobs: int
    completed_jobs: int
    failed_jobs: int
    running_jobs: int
    total_records_processed: int
    total_bronze_records: int
    total_silver_records: int
    total_gold_records: int

    @classmethod
    def of(cls, jobs: Sequence[JobExecutionView]) -> Self:
        """Add up jobs."""
        return cls(
            total_jobs=len(jobs),
            completed_jobs=_counted(jobs, JobStatus.SUCCEEDED),
            failed_jobs=_counted(jobs, JobStatus.FAILED),
            running_jobs=_counted(jobs, JobStatus.RUNNING),
            total_records_processed=sum(job.records_processed for job in jobs),
            total_bronze_records=sum(job.bronze_records for job in jobs),
            total_silver_records=sum(job.silver_records for job in jobs),
            total_gold_records=sum(job.gold_records for job in jobs),
        )


class ExecutionView(Document):
    """An execution with its jobs in the order in which they run, or the wish for one that has not begun."""

    id: str
    workflow_id: str
    workflow_name: str
    status: ExecutionStatus | WishStatus
    trigger_type: str
    trigger_detail: str
    requested_by: str
    redrive: int
    created_at: datetime
    start_time: datetime | None
    end_time: datetime | None
    duration: int | None
    error: str | None
    cause: str | None
    cancel_requested_at: datetime | None
    cancel_requested_by: str | None
    total_jobs: int
    completed_jobs: int
    failed_jobs: int
    total_records: int
    metrics: ExecutionMetrics
    job_executions: list[JobExecutionView]

    @classmethod
    def of(cls, row: RowMapping, of_it: JobsOfExecution) -> Self:
        """Show an execution with its jobs."""
        jobs = [JobExecutionView.of(job, of_it.steps.get(job["job_id"], {})) for job in of_it.jobs]
        metrics = ExecutionMetrics.of(jobs)
        same = (
            *("id", "workflow_id", "workflow_name", "status", "trigger_type", "trigger_detail", "requested_by", "redrive"),
            *("created_at", "error", "cause", "cancel_requested_at", "cancel_requested_by"),
        )
        return cls(
            **{name: row[name] for name in same},
            start_time=row["started_at"],
            end_time=row["ended_at"],
            duration=milliseconds(row["started_at"], row["ended_at"]),
            total_jobs=metrics.total_jobs,
            completed_jobs=metrics.completed_jobs,
            failed_jobs=metrics.failed_jobs,
            total_records=metrics.total_records_processed,
            metrics=metrics,
            job_executions=jobs,
        )


def view_of_wish(wish: Wish, workflow_name: str) -> ExecutionView:
    """Show a wish that waits for its turn, or will not be fulfilled; ``cause`` says why."""
    return ExecutionView(
        id=wish.execution_id,
        workflow_id=wish.workflow_id,
        workflow_name=workflow_name,
        status=wish.status,
        trigger_type=wish.request.trigger.type,
        trigger_detail=wish.request.trigger.detail,
        requested_by=wish.requested_by,
        redrive=0,
        created_at=wish.requested_at,
        start_time=None,
        end_time=None,
        duration=None,
        error=None,
        cause=wish.reason,
        cancel_requested_at=None,
        cancel_requested_by=None,
        total_jobs=0,
        completed_jobs=0,
        failed_jobs=0,
        total_records=0,
        metrics=ExecutionMetrics.of([]),
        job_executions=[],
    )


def milliseconds(started: datetime | None, ended: datetime | None) -> int | None:
    """How long something took, once it has ended."""
    return round((ended - started).total_seconds() * 1000) if started and ended else None


def _counted(jobs: Iterable[JobExecutionView], status: JobStatus) -> int:
    return sum(job.status is status for job in jobs)


def _number(step: RowMapping | None, name: str) -> int:
    return int(step[name] or 0) if step is not None else 0


def _path(step: RowMapping | None, layer: str) -> str | None:
    """The first object of the layer that the step left."""
    outputs: list[dict[str, Any]] = (step["outputs"] or []) if step is not None else []
    return next((str(output["key"]) for output in outputs if output.get("role") == layer), None)
