"""Progress is read from a history shaped as AWS documents it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from flowforge.cli.progress import STEP_STATES, Failure, Progress, StepState, progress_of
from flowforge.model.step import Step

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef

START = datetime(2026, 1, 1, tzinfo=UTC)


class History:
    """A history that grows by one event a second. ``chain`` holds the last event of each iteration."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.chain: dict[str, int] = {}

    def add(self, chain: str, kind: str, **details: Any) -> None:
        number = len(self.events) + 1
        timestamp = START + timedelta(seconds=number)
        previous = self.chain.get(chain, 0)
        self.events.append({"id": number, "previousEventId": previous, "timestamp": timestamp, "type": kind, **details})
        self.chain[chain] = number

    def enter(self, job: str, state: str, **extra: str) -> None:
        given = json.dumps({"jobId": job, **extra})
        self.add(job, "TaskStateEntered", stateEnteredEventDetails={"name": state, "input": given})

    def attempt(self, job: str, *, error: str | None = None, kind: str = "taskFailed") -> None:
        self.add(job, "TaskScheduled", taskScheduledEventDetails={"resource": "invoke"})
        self.add(job, "TaskStarted")
        if error is None:
            self.add(job, "TaskSucceeded", taskSucceededEventDetails={"resource": "invoke"})
        else:
            details = {f"{kind}EventDetails": {"error": error, "cause": "why"}}
            self.add(job, kind[0].upper() + kind[1:], **details)

    def leave(self, job: str, state: str) -> None:
        self.add(job, "TaskStateExited", stateExitedEventDetails={"name": state})

    def progress(self) -> Progress:
        return progress_of(cast("list[HistoryEventTypeDef]", self.events))


@pytest.fixture
def history() -> History:
    made = History()
    made.add("", "ExecutionStarted")
    made.add("", "TaskStateEntered", stateEnteredEventDetails={"name": "Plan", "input": "{}"})
    made.add("", "MapStateEntered", stateEnteredEventDetails={"name": "RunGroup", "input": "{}"})
    return made


def state(history: History, job: str, step: Step) -> StepState:
    return history.progress().step(job, step).state


def test_before_the_first_job_everything_waits(history: History) -> None:
    assert history.progress() == Progress()
    assert state(history, "a", Step.BRONZE_INGEST) is StepState.WAITING


def test_an_entered_step_runs_and_a_left_one_succeeded(history: History) -> None:
    history.enter("a", "BronzeIngest")
    assert state(history, "a", Step.BRONZE_INGEST) is StepState.RUNNING
    history.attempt("a")
    history.leave("a", "BronzeIngest")
    history.enter("a", "SilverTransform")
    progress = history.progress()
    assert progress.step("a", Step.BRONZE_INGEST).state is StepState.SUCCEEDED
    assert progress.step("a", Step.BRONZE_INGEST).seconds(START + timedelta(hours=1)) == 4
    assert progress.step("a", Step.SILVER_TRANSFORM).state is StepState.RUNNING
    assert progress.step("a", Step.GOLD_PUBLISH).state is StepState.WAITING


def test_iterations_that_run_at_once_are_kept_apart(history: History) -> None:
    history.enter("a", "BronzeIngest")
    history.enter("b", "BronzeIngest")
    history.attempt("b", error="RetryLater")
    history.attempt("a")
    history.leave("a", "BronzeIngest")
    assert state(history, "a", Step.BRONZE_INGEST) is StepState.SUCCEEDED
    assert state(history, "b", Step.BRONZE_INGEST) is StepState.RETRYING


def test_a_failed_try_is_followed_by_another(history: History) -> None:
    history.enter("a", "SilverTransform")
    history.attempt("a", error="CommitConflict")
    waiting = history.progress().step("a", Step.SILVER_TRANSFORM)
    assert (waiting.state, waiting.tries, waiting.error) == (StepState.RETRYING, 1, "CommitConflict")
    history.add("a", "TaskScheduled")
    again = history.progress().step("a", Step.SILVER_TRANSFORM)
    assert (again.state, again.tries, again.error) == (StepState.RUNNING, 2, "CommitConflict")
    history.add("a", "TaskStarted")
    history.add("a", "TaskSucceeded")
    history.leave("a", "SilverTransform")
    assert state(history, "a", Step.SILVER_TRANSFORM) is StepState.SUCCEEDED


@pytest.mark.parametrize("kind", ["taskFailed", "taskTimedOut", "taskStartFailed", "taskSubmitFailed"])
def test_a_state_that_is_left_after_a_failed_try_has_failed(history: History, kind: str) -> None:
    history.enter("a", "GoldPublish")
    history.attempt("a", error="DataFault", kind=kind)
    history.leave("a", "GoldPublish")
    step = history.progress().step("a", Step.GOLD_PUBLISH)
    assert (step.state, step.error) == (StepState.FAILED, "DataFault")


def test_a_time_out_without_details_is_named_as_the_service_names_it(history: History) -> None:
    history.enter("a", "GoldPublish")
    history.add("a", "TaskScheduled")
    history.add("a", "TaskTimedOut")
    assert history.progress().step("a", Step.GOLD_PUBLISH).error == "States.Timeout"


def test_what_failed_stands_in_the_input_of_the_state_that_records_it(history: History) -> None:
    history.enter("a", "RecordJobFailure", step="bronze_ingest", error="DataFault", cause="{}")
    history.attempt("a")
    history.leave("a", "RecordJobFailure")
    assert history.progress().failures == (Failure("a", "bronze_ingest", "DataFault", "{}"),)


def test_an_input_that_the_service_cut_off_is_passed_over(history: History) -> None:
    history.add("a", "TaskStateEntered", stateEnteredEventDetails={"name": "BronzeIngest", "input": '{"jobId": "a'})
    history.add("b", "TaskStateEntered", stateEnteredEventDetails={"name": "BronzeIngest"})
    assert history.progress() == Progress()


def test_the_names_of_the_states_are_those_of_the_shipped_machine() -> None:
    machine = json.loads((Path(__file__).parents[3] / "statemachine/workflow.asl.json").read_text())
    states = machine["States"]["RunGroup"]["ItemProcessor"]["States"]
    steps = {
        name: state["Arguments"]["Payload"]["step"]
        for name, state in states.items()
        if "step" in state.get("Arguments", {}).get("Payload", {})
    }
    assert steps == {name: step.value for name, step in STEP_STATES.items()}
    assert "RecordJobFailure" in states


def test_a_step_that_moves_to_fargate_is_one_step_that_goes_on(history: History) -> None:
    history.enter("job_a", "BronzeIngest")
    history.attempt("job_a", error="Runtime.OutOfMemory")
    history.leave("job_a", "BronzeIngest")
    assert history.progress().step("job_a", Step.BRONZE_INGEST).state is StepState.FAILED
    history.enter("job_a", "RunOnFargate", step="bronze_ingest")
    history.attempt("job_a")
    moved = history.progress().step("job_a", Step.BRONZE_INGEST)
    assert (moved.state, moved.tries, moved.error) == (StepState.RUNNING, 2, "Runtime.OutOfMemory")
    history.leave("job_a", "RunOnFargate")
    done = history.progress().step("job_a", Step.BRONZE_INGEST)
    assert done.seconds(None) == len(history.events) - 4
    assert history.progress().failures == ()
