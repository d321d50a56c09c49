"""The service over HTTP, in the protocol that boto3 and the AWS CLI speak: JSON 1.0, the operation in a header."""

import base64
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowforge.local.states.errors import ServiceError
from flowforge.local.states.execution import Execution, StateMachine
from flowforge.local.states.service import StatesService

_TARGET_PREFIX = "AWSStepFunctions."
_PAGE_SIZE = 1000
Item = TypeVar("Item")
Operation = Callable[[StatesService, Mapping[str, Any]], dict[str, Any]]


def states_route(service: StatesService) -> Route:
    """The route that serves every operation of Step Functions."""

    async def handle(request: Request) -> Response:
        return _answer(service, request.headers.get("x-amz-target", ""), await request.body())

    endpoint: Callable[[Request], Awaitable[Response]] = handle
    return Route("/", endpoint, methods=["POST"])


def _answer(service: StatesService, target: str, body: bytes) -> Response:
    operation = _OPERATIONS.get(target.removeprefix(_TARGET_PREFIX))
    try:
        if operation is None:
            raise ServiceError("UnknownOperationException", f"the local Step Functions service has no {target}")
        document, status = operation(service, json.loads(body or b"{}")), 200
    except ServiceError as error:
        document, status = {"__type": error.code, "message": error.message}, 400
    except KeyError as error:
        document, status = {"__type": "ValidationException", "message": f"the member {error} is required"}, 400
    return Response(
        json.dumps(document),
        status,
        media_type="application/x-amz-json-1.0",
        headers={"x-amzn-RequestId": str(uuid.uuid4())},
    )


def _create_state_machine(service: StatesService, request: Mapping[str, Any]) -> dict[str, Any]:
    if request.get("type", "STANDARD") != "STANDARD":
        raise ServiceError("ValidationException", "the local Step Functions service runs machines of type STANDARD only")
    machine = service.create_state_machine(request["name"], request["definition"], request["roleArn"])
    return {"stateMachineArn": machine.arn, "creationDate": machine.created.timestamp()}


def _describe_state_machine(service: StatesService, request: Mapping[str, Any]) -> dict[str, Any]:
    machine = service.state_machine(request["stateMachineArn"])
    return {
        **_machine_summary(machine),
        "status": "ACTIVE",
        "definition": machine.text,
        "roleArn": machine.role_arn,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
    }


def _list_state_machines(service: StatesService, request: Mapping[str, Any]) -> dict[str, Any]:
    page, token = _page(service.state_machines(), request)
    return {"stateMachines": [_machine_summary(machine) for machine in page], **token}


def _start_execution(service: StatesService, request: Mapping[str, Any]) -> dict[str, Any]:
    execution = service.start_execution(request["stateMachineArn"], request.get("input", "{}"), request.get("name"))
    return {"executionArn": execution.arn, "startDate": execution.started.timestamp()}


def _describe_execution(service: StatesService, request: Mapping[str, Any]) -> dict[str, Any]:
    execution = service.execution(request["executionArn"])
    included = {"included": True}
    return _without_none(
        {
            **_execution_summary(execution),
            "input": execution.input_text,
            "inputDetails": included,
            "output": execution.output_text,
            "outputDetails": included if execution.output_text is not None else None,
            "error": execution.error,
            "cause": execution.cause,
            "redriveCount": 0,
        }
    )


def _list_executions(service: StatesService, request: Mapping[str, Any]) -> dict[str, Any]:
    page, token = _page(service.executions(request["stateMachineArn"], request.get("statusFilter")), request)
    return {"executions": [_execution_summary(execution) for execution in page], **token}


def _stop_execution(service: StatesService, request: Mapping[str, Any]) -> dict[str, Any]:
    execution = service.stop_execution(request["executionArn"], request.get("error"), request.get("cause"))
    return {"stopDate": _seconds(execution.stopped)}


def _get_execution_history(service: StatesService, request: Mapping[str, Any]) -> dict[str, Any]:
    events = service.events(request["executionArn"], reverse=request.get("reverseOrder", False))
    page, token = _page(events, request)
    with_data = request.get("includeExecutionData", True)
    return {"events": [event.as_json(with_data=with_data) for event in page], **token}


def _machine_summary(machine: StateMachine) -> dict[str, Any]:
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": "STANDARD",
        "creationDate": machine.created.timestamp(),
    }


def _execution_summary(execution: Execution) -> dict[str, Any]:
    return _without_none(
        {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine.arn,
            "name": execution.name,
            "status": execution.status.value,
            "startDate": execution.started.timestamp(),
            "stopDate": _seconds(execution.stopped),
        }
    )


def _page(items: Sequence[Item], request: Mapping[str, Any]) -> tuple[Sequence[Item], dict[str, str]]:
    """The items of one page, and the token of the next: the number of the first item that it will hold."""
    size = request.get("maxResults") or _PAGE_SIZE
    start = 0
    if "nextToken" in request:
        try:
            start = int(base64.urlsafe_b64decode(request["nextToken"].encode()))
        except ValueError as error:
            raise ServiceError("InvalidToken", f"Invalid Token: '{request['nextToken']}'") from error
    end = start + size
    token = {"nextToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < len(items) else {}
    return items[start:end], token


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _without_none(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}


_OPERATIONS: Mapping[str, Operation] = {
    "CreateStateMachine": _create_state_machine,
    "DescribeStateMachine": _describe_state_machine,
    "ListStateMachines": _list_state_machines,
    "StartExecution": _start_execution,
    "DescribeExecution": _describe_execution,
    "ListExecutions": _list_executions,
    "StopExecution": _stop_execution,
    "GetExecutionHistory": _get_execution_history,
}
