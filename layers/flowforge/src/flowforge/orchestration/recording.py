"""How jobs and executions ended, stored under ``runs/``."""

import json

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.execution import ExecutionRecord, JobFailure, JobOutcome, RecordResponse
from flowforge.orchestration.task_ends import explained

WORKFLOW_FAILED = "WorkflowFailed"
MAX_NAMED_JOBS = 5
MAX_CAUSE_CHARACTERS = 2000


def record_event(event: JobFailure | ExecutionRecord, lake: Lake) -> RecordResponse:
    """Store what happened, and answer where; for a failed execution also the error and the cause to end with."""
    if isinstance(event, JobFailure):
        key = keys.job_error_key(event.execution_id, event.job_id)
        lake.overwrite(key, explained(event, lake).to_json())
        return RecordResponse(key=key)
    if event.status == "failed" and event.error is None:
        event = event.model_copy(update={"error": WORKFLOW_FAILED, "cause": _cause(event.jobs, lake)})
    key = keys.record_key(event.execution_id)
    lake.overwrite(key, event.to_json())
    return RecordResponse(key=key, error=event.error, cause=event.cause)


def message_of(failure: JobFailure) -> str:
    """The message of a failure: what a function said, or the service's own words."""
    try:
        cause = json.loads(failure.cause)
    except ValueError:
        return failure.cause
    return str(cause.get("errorMessage", failure.cause)) if isinstance(cause, dict) else failure.cause


def _cause(outcomes: tuple[JobOutcome, ...], lake: Lake) -> str:
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    lines = [_line(outcome, lake) for outcome in failed[:MAX_NAMED_JOBS]]
    if len(failed) > MAX_NAMED_JOBS:
        lines.append(f"and {len(failed) - MAX_NAMED_JOBS} more")
    return f"{len(failed)} of {len(outcomes)} jobs failed: {'; '.join(lines)}"[:MAX_CAUSE_CHARACTERS]


def _line(outcome: JobOutcome, lake: Lake) -> str:
    stored = lake.read(outcome.error_key) if outcome.error_key else None
    if stored is None:
        return f"{outcome.job_id} (its error could not be recorded)"
    failure = JobFailure.model_validate_json(stored[0])
    return f"{outcome.job_id} at {failure.step.value}: {failure.error}: {message_of(failure)}"
