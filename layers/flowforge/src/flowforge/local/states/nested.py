"""``states:startExecution``: an execution that starts another one, and goes on at once or waits for its end."""

import asyncio
import json
import uuid
from collections.abc import Mapping
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from flowforge.local.states.errors import TASK_FAILED, ServiceError, StateError, runtime_failure
from flowforge.local.states.execution import Execution, Status
from flowforge.local.states.fields import ArgumentNames
from flowforge.local.states.integrations import Call, sdk_metadata
from flowforge.local.states.payload import encode

if TYPE_CHECKING:
    from flowforge.local.states.service import StatesService

_NAMES = ArgumentNames(("StateMachineArn", "Name", "Input", "TraceHeader"), ("StateMachineArn",))


class StartExecution:
    """``arn:aws:states:::states:startExecution``: starts an execution and goes on."""

    arn = "arn:aws:states:::states:startExecution"
    resource_type = "states"
    resource = "startExecution"
    names = _NAMES

    def __init__(self, service: "StatesService") -> None:
        self._service = service

    async def call(self, call: Call) -> Any:
        """Start the execution."""
        return _answer(_start(self._service, call.arguments))


class StartExecutionAndWait:
    """``arn:aws:states:::states:startExecution.sync:2``: starts an execution, waits for its end and takes its output.

    Where the waiting is given up, by a time limit or a stop, the execution is stopped too.
    """

    arn = "arn:aws:states:::states:startExecution.sync:2"
    resource_type = "states"
    resource = "startExecution.sync:2"
    names = _NAMES

    def __init__(self, service: "StatesService") -> None:
        self._service = service

    async def call(self, call: Call) -> Any:
        """Start the execution and wait. Raises States.TaskFailed where it does not succeed."""
        child = _start(self._service, call.arguments)
        call.submitted(_answer(child))
        try:
            await child.finished.wait()
        except asyncio.CancelledError:
            if not self._service.closing:
                self._service.stop_execution(child.arn)
            raise
        outcome = _outcome(child)
        if child.status is not Status.SUCCEEDED:
            raise StateError(TASK_FAILED, encode(outcome))
        return outcome


def _start(service: "StatesService", arguments: Any) -> Execution:
    if not isinstance(arguments, Mapping) or not isinstance(arguments.get("StateMachineArn"), str):
        raise runtime_failure("The arguments of startExecution name no state machine: StateMachineArn is required")
    given = arguments.get("Input", {})
    text = given if isinstance(given, str) else encode(given)
    try:
        return service.start_execution(arguments["StateMachineArn"], text, arguments.get("Name"))
    except ServiceError as error:
        name = error.code if error.code.endswith("Exception") else f"{error.code}Exception"
        raise StateError(
            f"StepFunctions.{name}",
            f"{error.message} (Service: AWSStepFunctions; Status Code: 400; Error Code: {error.code}; "
            f"Request ID: {uuid.uuid4()}; Proxy: null)",
        ) from error


def _answer(child: Execution) -> dict[str, Any]:
    started = {"ExecutionArn": child.arn, "StartDate": _milliseconds(child.started.timestamp())}
    request_id = str(uuid.uuid4())
    headers = {
        "connection": "keep-alive",
        "Content-Length": str(len(encode(started))),
        "Content-Type": "application/x-amz-json-1.0",
        "Date": formatdate(usegmt=True),
        "x-amzn-RequestId": request_id,
    }
    return {**started, **sdk_metadata(headers, request_id)}


def _outcome(child: Execution) -> dict[str, Any]:
    included = {"Included": True}
    outcome = {
        "ExecutionArn": child.arn,
        "Input": child.value,
        "InputDetails": included,
        "Name": child.name,
        "Output": None if child.output_text is None else json.loads(child.output_text),
        "OutputDetails": included if child.output_text is not None else None,
        "Error": child.error,
        "Cause": child.cause,
        "RedriveCount": 0,
        "StartDate": _milliseconds(child.started.timestamp()),
        "StateMachineArn": child.machine.arn,
        "Status": child.status.value,
        "StopDate": None if child.stopped is None else _milliseconds(child.stopped.timestamp()),
    }
    empty = ("Error", "Cause", "OutputDetails") + (("Output",) if child.output_text is None else ())
    return {name: value for name, value in outcome.items() if value is not None or name not in empty}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
