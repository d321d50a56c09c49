"""How far an execution is, as the API tells it: the same progress as that of a local run, from another source."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from flowforge.cli.progress import Progress, StepProgress, StepState
from flowforge.model.step import Step

STATES = {
    "pending": StepState.WAITING,
    "running": StepState.RUNNING,
    "succeeded": StepState.SUCCEEDED,
    "failed": StepState.FAILED,
    "skipped": StepState.SKIPPED,
    "cancelled": StepState.CANCELLED,
}


def progress_of_execution(execution: dict[str, Any], taken: dict[str, Collection[Step]]) -> Progress:
    """The state of each step of an execution's document.

    A step that nothing was told of waits, unless its job has ended: then it never began. ``taken`` maps the ids of jobs to the
    steps that they take, as far as these are known.
    """
    steps: dict[tuple[str, Step], StepProgress] = {}
    for job in execution["jobExecutions"]:
        for step in job["steps"]:
            steps[job["jobId"], Step(step["step"])] = _progress(step)
        if job["status"] in ("failed", "skipped", "cancelled"):
            ended = StepProgress(StepState.CANCELLED if job["status"] == "cancelled" else StepState.SKIPPED)
            for each in taken.get(job["jobId"], Step):
                steps.setdefault((job["jobId"], each), ended)
    return Progress(steps)


def steps_of_job(job: dict[str, Any]) -> Collection[Step]:
    """The steps that a job of a workflow's document takes."""
    destination = job["destinationConfig"]
    if job["type"] == "gold-analytics":
        return (Step.GOLD_PUBLISH,)
    wanted = {
        Step.BRONZE_INGEST: True,
        Step.SILVER_TRANSFORM: destination["silverConfig"].get("enabled", True),
        Step.GOLD_PUBLISH: destination["goldConfig"].get("enabled", True),
    }
    return tuple(step for step, is_wanted in wanted.items() if is_wanted)


def _progress(step: dict[str, Any]) -> StepProgress:
    error = step["error"] or {}
    started, ended = _moment(step["startedAt"]), _moment(step["completedAt"])
    if ended is None and started is not None and step["durationMs"] is not None:
        ended = started + timedelta(milliseconds=step["durationMs"])
    return StepProgress(STATES[step["status"]], step["attempt"] or 1, error.get("error"), started, ended)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
