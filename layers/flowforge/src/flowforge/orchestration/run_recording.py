"""What is told of a run, into the rows of its state: by its plan, by results of steps, by failures and by its end.

Every function may be called late, twice and in any order; metadata/run_state.py keeps what holds.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from pydantic import JsonValue, ValidationError
from sqlalchemy import Connection

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.metadata.processed_files import FileVersion, begin_files, end_files
from flowforge.metadata.run_state import record_execution, record_job, record_plan, record_step
from flowforge.metadata.schema.catalog import FileStatus
from flowforge.model.execution import ExecutionRecord, JobFailure, JobOutcome, StepFailure
from flowforge.model.plan import Plan
from flowforge.model.run_state import ExecutionState, JobState, RunError, StepState
from flowforge.model.run_status import ExecutionStatus, JobStatus
from flowforge.model.start import Trigger
from flowforge.model.step import BronzeCounts, Counts, SilverCounts, Step, StepResult
from flowforge.model.tier import Tier
from flowforge.model.tier_choice import Escalation
from flowforge.orchestration.recording import message_of

JOBS_AT_ONCE = 10
"""MaxConcurrency of the state machine's map."""
ENDS = {"succeeded": JobStatus.SUCCEEDED, "failed": JobStatus.FAILED}


def record_planned(
    connection: Connection, plan: Plan, redrive: int, trigger: Trigger | None, finished: Iterable[StepResult] = ()
) -> None:
    """Take note that an execution is planned and runs; ``finished`` are the steps that a redrive need not take again."""
    told = ExecutionState(
        execution_id=plan.execution_id,
        redrive=redrive,
        status=ExecutionStatus.RUNNING,
        workflow_id=plan.workflow_id,
        trigger=trigger,
        plan_key=keys.plan_key(plan.execution_id),
        planned_at=plan.planned_at,
        started_at=plan.planned_at,
    )
    record_plan(connection, told, {planned.job.id: planned.run_id for planned in plan.jobs})
    for planned in plan.jobs:
        landed = keys.landing_prefix(plan.workflow_id, planned.job.id)
        files = [
            FileVersion(source.key, source.etag, source.size_bytes, source.version_id)
            for source in planned.sources
            if source.key.startswith(landed)
        ]
        begin_files(connection, plan.workflow_id, planned.job.id, plan.execution_id, files)
    results = list(finished)
    for result in results:
        record_finished_step(connection, plan, result, redrive)
    _record_first_steps(connection, plan, redrive, {(result.job_id, result.step) for result in results})


def _record_first_steps(connection: Connection, plan: Plan, redrive: int, done: Collection[tuple[str, Step]]) -> None:
    """Take note of the steps that the machine begins with: of the jobs of the first order group, as many as run at once."""
    first = min(planned.job.order for planned in plan.jobs)
    begun = [planned for planned in plan.jobs if planned.job.order == first]
    for planned in begun[:JOBS_AT_ONCE]:
        step = next((step for step in planned.tiers.chosen() if (planned.job.id, step) not in done), None)
        if step is not None:
            _record_running(connection, plan, planned.job.id, step, redrive, plan.planned_at if redrive == 0 else None)


def record_finished_step(
    connection: Connection, plan: Plan, result: StepResult, redrive: int, outcome: JobOutcome | None = None
) -> None:
    """Take note that a step has finished. ``outcome``, once the job has ended, tells of tries and of a move to Fargate."""
    tier, escalation = _tier_of(plan, result.job_id, result.step, outcome)
    read, written, set_aside = _rows(result.counts)
    told = StepState(
        execution_id=result.execution_id,
        job_id=result.job_id,
        step=result.step,
        redrive=redrive,
        status=JobStatus.SUCCEEDED,
        tier=tier,
        attempt=outcome.tries.get(result.step) if outcome else None,
        escalation=escalation,
        started_at=result.finished_at - timedelta(seconds=result.duration_seconds) if result.finished_at else None,
        ended_at=result.finished_at,
        duration_seconds=result.duration_seconds,
        rows_read=read,
        rows_written=written,
        rows_set_aside=set_aside,
        counts=result.counts.model_dump(mode="json", by_alias=True),
        outputs=[output.model_dump(mode="json", by_alias=True) for output in result.outputs],
        notes=result.notes,
    )
    record_step(connection, told)
    if outcome is None:
        _record_what_follows(connection, plan, result, redrive)


def _record_what_follows(connection: Connection, plan: Plan, result: StepResult, redrive: int) -> None:
    """The machine goes on at once: with the job's next step, or the job has succeeded."""
    steps = list(plan.job(result.job_id).tiers.chosen())
    following = steps[steps.index(result.step) + 1 :] if result.step in steps else []
    if following:
        _record_running(connection, plan, result.job_id, following[0], redrive, result.finished_at)
        return
    told = JobState(
        execution_id=plan.execution_id,
        job_id=result.job_id,
        redrive=redrive,
        status=JobStatus.SUCCEEDED,
        ended_at=result.finished_at,
    )
    record_job(connection, told)


def _record_running(
    connection: Connection, plan: Plan, job_id: str, step: Step, redrive: int, started_at: datetime | None
) -> None:
    told = StepState(
        execution_id=plan.execution_id,
        job_id=job_id,
        step=step,
        redrive=redrive,
        status=JobStatus.RUNNING,
        tier=_tier_of(plan, job_id, step, None)[0],
        started_at=started_at,
    )
    record_step(connection, told)


def record_job_failure(connection: Connection, failure: JobFailure, redrive: int, error: RunError, ended_at: datetime) -> None:
    """Take note that a job failed, at which step, why and when."""
    told: dict[str, Any] = {
        "execution_id": failure.execution_id,
        "job_id": failure.job_id,
        "redrive": redrive,
        "status": JobStatus.FAILED,
        "ended_at": ended_at,
        "error": error,
    }
    record_step(connection, StepState(**told, step=failure.step))
    record_job(connection, JobState(**told, failed_step=failure.step))
    end_files(connection, failure.execution_id, failure.job_id, FileStatus.FAILED, f"{error.error}: {error.message}")


def record_end(
    connection: Connection, record: ExecutionRecord, redrive: int, plan: Plan | None, finished: Iterable[StepResult]
) -> ExecutionStatus:
    """Take note of an execution's end with its jobs and the steps that have finished; the status that holds then.

    ``plan`` is None where there was none. Raises NotThere for an execution that is not known, of an unknown workflow.
    """
    status = record_execution(
        connection,
        ExecutionState(
            execution_id=record.execution_id,
            redrive=redrive,
            status=ExecutionStatus(record.status),
            workflow_id=record.workflow_id,
            trigger=_trigger(record.trigger),
            started_at=record.started_at,
            ended_at=record.ended_at,
            error=record.error,
            cause=record.cause,
        ),
    )
    outcomes, steps = {outcome.job_id: outcome for outcome in record.jobs}, list(finished)
    for outcome in record.jobs:
        ends = [step.finished_at for step in steps if step.job_id == outcome.job_id and step.finished_at]
        record_job(
            connection,
            JobState(
                execution_id=record.execution_id,
                job_id=outcome.job_id,
                redrive=redrive,
                status=ENDS[outcome.status],
                # When a job failed is told with its failure.
                ended_at=max(ends, default=None) if outcome.status == "succeeded" else None,
            ),
        )
        if outcome.status == "succeeded":
            end_files(connection, record.execution_id, outcome.job_id, FileStatus.COMPLETED)
    if plan is not None:
        for step in steps:
            record_finished_step(connection, plan, step, redrive, outcomes.get(step.job_id))
        done = {(result.job_id, result.step) for result in steps}
        for outcome in record.jobs:
            for tried in outcome.tries:
                if outcome.status == "failed" and (outcome.job_id, tried) not in done:
                    _record_failed_step(connection, plan, outcome, tried, redrive)
    return status


def _record_failed_step(connection: Connection, plan: Plan, outcome: JobOutcome, step: Step, redrive: int) -> None:
    """Take note of how often, and where, the step was tried at which a job failed; why is told with the failure."""
    tier, escalation = _tier_of(plan, outcome.job_id, step, outcome)
    told = StepState(
        execution_id=plan.execution_id,
        job_id=outcome.job_id,
        step=step,
        redrive=redrive,
        status=JobStatus.FAILED,
        tier=tier,
        attempt=outcome.tries[step],
        escalation=escalation,
    )
    record_step(connection, told)


def _tier_of(plan: Plan, job_id: str, step: Step, outcome: JobOutcome | None) -> tuple[Tier | None, Escalation | None]:
    """Where a step ran, and the move to Fargate that brought it there."""
    choice = plan.job(job_id).tiers.chosen().get(step)
    escalation = next((item for item in outcome.escalations if item.step is step), None) if outcome else None
    return Tier.FARGATE if escalation else (choice.tier if choice else None), escalation


def run_error(failure: JobFailure, lake: Lake) -> RunError:
    """Why a job failed: the class of the tree, the message, and, where the step told it, the file, the row and the field."""
    error = RunError(error=failure.error, message=message_of(failure))
    stored = lake.read(keys.failure_key(failure.execution_id, failure.job_id, failure.step))
    told = StepFailure.model_validate_json(stored[0]) if stored else None
    # That of an earlier try, or of another error, tells of another place.
    if told is None or told.error != failure.error or told.message not in error.message:
        return error
    return error.model_copy(update={name: getattr(told, name) for name in ("file", "row", "column", "option")})


def _trigger(told: JsonValue) -> Trigger | None:
    """What started an execution; None where somebody started it past the queue, with words of their own."""
    try:
        return Trigger.model_validate(told)
    except ValidationError:
        return None


def _rows(counts: Counts) -> tuple[int, int, int]:
    """Rows read, written and set aside by a step."""
    if isinstance(counts, BronzeCounts):
        return counts.read, counts.written, counts.malformed
    if isinstance(counts, SilverCounts):
        return counts.read, counts.after, counts.quarantined
    return counts.read, counts.written, 0
