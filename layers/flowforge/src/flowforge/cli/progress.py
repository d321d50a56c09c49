"""How far an execution is, read from its history: a pure function of the events that GetExecutionHistory answers.

A task state of a job announces itself with TaskStateEntered, whose input names the job; the events of its tries carry
no name and are found through ``previousEventId``. A try that fails and is tried again leaves a TaskFailed followed by
another TaskScheduled; a state that is left after a failed try was caught.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from flowforge.model.step import Step

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef

STEP_STATES = {
    "BronzeIngest": Step.BRONZE_INGEST,
    "SilverTransform": Step.SILVER_TRANSFORM,
    "GoldPublish": Step.GOLD_PUBLISH,
}
FARGATE_STATE = "RunOnFargate"
FAILURE_STATE = "RecordJobFailure"
FAILED_TRIES = ("TaskFailed", "TaskTimedOut", "TaskStartFailed", "TaskSubmitFailed")


class StepState(StrEnum):
    """Where a step of a job stands. ``retrying``: a try failed, and the next waits for its turn. ``skipped``: it never began."""

    WAITING = "waiting"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class StepProgress:
    """One step of one job. ``error`` is the class of the last failed try."""

    state: StepState = StepState.WAITING
    tries: int = 0
    error: str | None = None
    entered: datetime | None = None
    left: datetime | None = None

    def seconds(self, now: datetime | None) -> float:
        """How long the step took, or has been going on until ``now``."""
        end = self.left or now
        return (end - self.entered).total_seconds() if self.entered and end else 0.0


@dataclass(frozen=True)
class Failure:
    """What ended a job, as the state machine caught it."""

    job_id: str
    step: str
    error: str
    cause: str


@dataclass(frozen=True)
class Progress:
    """Every step that has begun, by job and step, and what failed."""

    steps: Mapping[tuple[str, Step], StepProgress] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()

    def step(self, job_id: str, step: Step) -> StepProgress:
        """Look up a step's progress; one that has not begun is waiting."""
        return self.steps.get((job_id, step), StepProgress())


def progress_of(events: "Iterable[HistoryEventTypeDef]") -> Progress:
    """Reduce a history, oldest event first, to where each step of each job stands."""
    steps: dict[tuple[str, Step], StepProgress] = {}
    failures: list[Failure] = []
    owners: dict[int, tuple[str, Step]] = {}
    for event in events:
        kind = event["type"]
        if kind == "TaskStateEntered":
            entered = event.get("stateEnteredEventDetails", {"name": ""})
            given = _json(entered.get("input", ""))
            step, job_id = _step_of(entered["name"], given), given.get("jobId", "")
            if step and job_id:
                owners[event["id"]] = (job_id, step)
                # A step that moves to Fargate goes on; it began where it was entered first.
                before = steps.get((job_id, step), StepProgress(entered=event["timestamp"]))
                steps[job_id, step] = replace(before, state=StepState.RUNNING, left=None)
            elif entered["name"] == FAILURE_STATE:
                failures.append(Failure(job_id, given.get("step", ""), given.get("error", ""), given.get("cause", "")))
            continue
        owner = owners.get(event.get("previousEventId", 0))
        if owner is None:
            continue
        if kind == "TaskStateExited":
            # The chain ends here: what follows belongs to the next state.
            state = StepState.FAILED if steps[owner].state is StepState.RETRYING else StepState.SUCCEEDED
            steps[owner] = replace(steps[owner], state=state, left=event["timestamp"])
            continue
        owners[event["id"]] = owner
        steps[owner] = _after_try(steps[owner], event)
    return Progress(steps, tuple(failures))


def _step_of(state: str, given: Mapping[str, str]) -> Step | None:
    """The step that a task state runs: its own, or on Fargate the one that its input names."""
    return Step(given["step"]) if state == FARGATE_STATE and "step" in given else STEP_STATES.get(state)


def _after_try(step: StepProgress, event: "HistoryEventTypeDef") -> StepProgress:
    if event["type"] == "TaskScheduled":
        return replace(step, state=StepState.RUNNING, tries=step.tries + 1)
    if event["type"] in FAILED_TRIES:
        return replace(step, state=StepState.RETRYING, error=_error_of(event))
    return step


def _error_of(event: "HistoryEventTypeDef") -> str:
    if event["type"] == "TaskTimedOut":
        return event.get("taskTimedOutEventDetails", {}).get("error", "States.Timeout")
    for details in (
        event.get("taskFailedEventDetails"),
        event.get("taskStartFailedEventDetails"),
        event.get("taskSubmitFailedEventDetails"),
    ):
        if details:
            return details.get("error", "")
    return ""


def _json(text: str) -> dict[str, str]:
    """Read the object in a state's input; nothing where the service cut it off or it is another kind of value."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
