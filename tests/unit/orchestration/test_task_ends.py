"""The end of a task on Fargate is recorded in the words of the worker that ended."""

import json
from typing import Any

import pytest

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.execution import JobFailure, StepFailure
from flowforge.model.exit_codes import ExitCode
from flowforge.model.step import Step
from flowforge.orchestration.recording import message_of, record_event

STEP = Step.SILVER_TRANSFORM


def ended(*, memory: str = "8192", stopped: str = "Essential container in task exited", **worker: Any) -> JobFailure:
    """A failure as the state machine hands it over when a task ended so."""
    task = {
        "LastStatus": "STOPPED",
        "StoppedReason": stopped,
        "Memory": "8192",
        "Overrides": {"Memory": memory},
        "Containers": [{"Name": "sidecar", "ExitCode": 0}, {"Name": "worker", "LastStatus": "STOPPED", **worker}],
    }
    return JobFailure(execution_id="exec_1", job_id="job_a", step=STEP, error="States.TaskFailed", cause=json.dumps(task))


def recorded(lake: Lake, failure: JobFailure) -> JobFailure:
    stored = lake.read(record_event(failure, lake).key)
    assert stored is not None
    return JobFailure.model_validate_json(stored[0])


def leave(lake: Lake, error: str, message: str, exit_code: int) -> None:
    """What a worker stores before it ends."""
    failure = StepFailure(execution_id="exec_1", job_id="job_a", step=STEP, error=error, message=message, exit_code=exit_code)
    lake.overwrite(keys.failure_key("exec_1", "job_a", STEP), failure.to_json())


def test_the_worker_s_own_message_is_recorded(lake: Lake) -> None:
    leave(lake, "DataFault", "orders.csv: row 7 is blank", ExitCode.DATA_FAULT)
    found = recorded(lake, ended(ExitCode=12))
    assert (found.error, message_of(found)) == ("DataFault", "orders.csv: row 7 is blank")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (10, "RetryLater"),
        (11, "NextTier"),
        (13, "ConfigFault"),
        (14, "CommitConflict"),
        (15, "CommitUnknown"),
        (1, "States.TaskFailed"),
    ],
)
def test_without_a_message_the_exit_code_tells_the_error(lake: Lake, code: int, error: str) -> None:
    found = recorded(lake, ended(ExitCode=code))
    assert (found.error, message_of(found)) == (error, f"the worker ended with exit code {code} and left no message")


def test_a_message_of_an_earlier_try_is_not_taken_for_this_one_s(lake: Lake) -> None:
    leave(lake, "RetryLater", "S3 is busy", ExitCode.RETRY_LATER)
    assert message_of(recorded(lake, ended(ExitCode=12))).startswith("the worker ended with exit code 12")


@pytest.mark.parametrize("worker", [{"ExitCode": 137}, {"ExitCode": 134}, {"ExitCode": 1, "Reason": "OutOfMemoryError: killed"}])
def test_a_worker_without_memory_names_what_it_had_and_what_there_is(lake: Lake, worker: dict[str, Any]) -> None:
    found = recorded(lake, ended(**worker))
    assert found.error == "NextTier"
    assert message_of(found) == (
        "the worker ran out of memory on Fargate, where its task had 8,192 MiB: it needs a task with more; "
        "the largest has 65,536 MiB"
    )


def test_the_largest_task_s_end_says_what_a_person_can_do(lake: Lake) -> None:
    assert message_of(recorded(lake, ended(memory="65536", ExitCode=137))).endswith("split its files over several runs")


def test_a_task_that_was_not_started_gives_ecs_s_reason(lake: Lake) -> None:
    found = recorded(lake, ended(stopped="CannotPullContainerError: no such image"))
    assert message_of(found) == "the worker was not started: CannotPullContainerError: no such image"


def test_a_failure_that_is_no_task_s_stays_as_it_is(lake: Lake) -> None:
    failure = JobFailure(execution_id="exec_1", job_id="job_a", step=STEP, error="States.TaskFailed", cause="no document")
    assert recorded(lake, failure) == failure
