"""``ecs:runTask.sync``: a task on Fargate, and its end."""

import asyncio
import uuid
from concurrent.futures import Future
from email.utils import formatdate
from typing import Any, Protocol

from flowforge.local.states.errors import TASK_FAILED, StateError, runtime_failure
from flowforge.local.states.fields import ArgumentNames
from flowforge.local.states.integrations import Call, sdk_metadata
from flowforge.local.states.payload import encode
from flowforge.local.task_request import ArgumentsError, NotPlacedError, RunTaskError, TaskRequest

# The error of an answer with failures: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html
NOT_PLACED = "AmazonECS.Unknown"


class Task(Protocol):
    """A task that was started."""

    @property
    def ended(self) -> "Future[None]":
        """Has a result when the task has ended; cancelling it does nothing."""
        ...

    def description(self) -> dict[str, Any]:
        """What ECS tells about the task now."""
        ...

    def stop(self) -> None:
        """Let the task end. Returns at once."""
        ...


class TaskRunner(Protocol):
    """Whatever can run a task."""

    def request(self, arguments: Any) -> TaskRequest:
        """Check arguments. Raises ArgumentsError and RunTaskError."""
        ...

    def run(self, request: TaskRequest) -> Task:
        """Start a task. Returns at once. Raises RunTaskError and NotPlacedError."""
        ...


class RunTaskAndWait:
    """``arn:aws:states:::ecs:runTask.sync``: runs a task, waits for its end and takes its description.

    Where the waiting is given up, by a time limit or a stop, the task is stopped too.
    """

    arn = "arn:aws:states:::ecs:runTask.sync"
    resource_type = "ecs"
    resource = "runTask.sync"
    names = ArgumentNames(
        (
            "TaskDefinition",
            "Cluster",
            "LaunchType",
            "CapacityProviderStrategy",
            "NetworkConfiguration",
            "Overrides",
            "ClientToken",
            "Count",
            "EnableECSManagedTags",
            "EnableExecuteCommand",
            "Group",
            "PlatformVersion",
            "PropagateTags",
            "ReferenceId",
            "StartedBy",
            "Tags",
        ),
        ("TaskDefinition",),
    )

    def __init__(self, tasks: TaskRunner) -> None:
        self._tasks = tasks

    async def call(self, call: Call) -> Any:
        """Run the task to its end. Raises States.TaskFailed with its description as the cause where it failed."""
        try:
            # Reading the description of the service takes a moment the first time.
            request = await asyncio.to_thread(self._tasks.request, call.arguments)
            task = self._tasks.run(request)
        except ArgumentsError as error:
            raise runtime_failure(
                f"The Arguments '{encode(call.arguments)}' could not be used to start the Task: [{error}]"
            ) from error
        except RunTaskError as error:
            raise refusal(error) from error
        except NotPlacedError as error:
            raise StateError(NOT_PLACED, encode(_answer([], error.failures))) from error
        call.submitted(_answer([task.description()], []))
        try:
            await asyncio.wrap_future(task.ended)
        except asyncio.CancelledError:
            task.stop()
            raise
        return task_result(task.description())


def task_result(description: dict[str, Any]) -> dict[str, Any]:
    """The result of a task that has ended. Raises States.TaskFailed for one that failed, or did not even start."""
    if all(container.get("ExitCode") == 0 for container in description["Containers"]):
        return description
    raise StateError(TASK_FAILED, encode(description))


def refusal(error: RunTaskError) -> StateError:
    """The failure of a state whose RunTask is refused, as Step Functions words it."""
    return StateError(
        f"ECS.{error.code}",
        f"{error} (Service: AmazonECS; Status Code: 400; Error Code: {error.code}; Request ID: {uuid.uuid4()}; Proxy: null)",
    )


def _answer(tasks: list[dict[str, Any]], failures: list[dict[str, str]]) -> dict[str, Any]:
    """RunTask's own answer, as Step Functions shows it."""
    request_id = str(uuid.uuid4())
    headers = {
        "Content-Length": str(len(encode(tasks)) + len(encode(failures))),
        "Content-Type": "application/x-amz-json-1.1",
        "Date": formatdate(usegmt=True),
        "x-amzn-RequestId": request_id,
    }
    return {"Failures": failures, **sdk_metadata(headers, request_id), "Tasks": tasks}
