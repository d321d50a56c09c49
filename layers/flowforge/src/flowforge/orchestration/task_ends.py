"""What the end of a task on Fargate means: an exit code and a reason become an error of the tree, with its message.

Step Functions fails a state whose task ended badly with ``States.TaskFailed``; the cause is the task as ECS describes it
(Amazon ECS API Reference, "Task" and "Container").
"""

import json
from collections.abc import Mapping
from typing import Any

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.errors import NextTier
from flowforge.model.execution import JobFailure, StepFailure
from flowforge.model.exit_codes import BY_SIGNAL, OF_ERROR
from flowforge.orchestration.tiers import FARGATE_SIZES

TASK_FAILED = "States.TaskFailed"
OUT_OF_MEMORY = "OutOfMemoryError"
KILLED = BY_SIGNAL + 9
COULD_NOT_ALLOCATE = BY_SIGNAL + 6
ERROR_NAMES = {code.value: kind.__name__ for kind, code in OF_ERROR.items()}


def explained(failure: JobFailure, lake: Lake) -> JobFailure:
    """The failure in the words of the worker; any other than that of a task is answered as it is."""
    task = _task(failure)
    if task is None:
        return failure
    worker: Mapping[str, Any] = next((item for item in task.get("Containers", []) if item.get("Name") == "worker"), {})
    code = worker.get("ExitCode")
    if code is None:
        reason = worker.get("Reason") or task.get("StoppedReason") or "ECS gives no reason"
        return _told(failure, failure.error, f"the worker was not started: {reason}")
    if OUT_OF_MEMORY in str(worker.get("Reason", "")) or code in (KILLED, COULD_NOT_ALLOCATE):
        return _told(failure, NextTier.__name__, _out_of_memory(task))
    stored = _stored(failure, lake)
    if stored is not None and stored.exit_code == code:
        return _told(failure, stored.error, stored.message)
    return _told(failure, ERROR_NAMES.get(code, failure.error), f"the worker ended with exit code {code} and left no message")


def _task(failure: JobFailure) -> Mapping[str, Any] | None:
    if failure.error != TASK_FAILED:
        return None
    try:
        task = json.loads(failure.cause)
    except ValueError:
        return None
    return task if isinstance(task, dict) and "Containers" in task else None


def _stored(failure: JobFailure, lake: Lake) -> StepFailure | None:
    found = lake.read(keys.failure_key(failure.execution_id, failure.job_id, failure.step))
    return StepFailure.model_validate_json(found[0]) if found else None


def _out_of_memory(task: Mapping[str, Any]) -> str:
    """The last tier has nothing above it, so its end says what would be needed."""
    had = int((task.get("Overrides") or {}).get("Memory") or task.get("Memory") or 0)
    largest = FARGATE_SIZES[-1][1]
    more = (
        "split its files over several runs" if had >= largest else f"it needs a task with more; the largest has {largest:,} MiB"
    )
    return f"the worker ran out of memory on Fargate, where its task had {had:,} MiB: {more}"


def _told(failure: JobFailure, error: str, message: str) -> JobFailure:
    cause = json.dumps({"errorType": error, "errorMessage": message, "task": failure.cause})
    return failure.model_copy(update={"error": error, "cause": cause})
