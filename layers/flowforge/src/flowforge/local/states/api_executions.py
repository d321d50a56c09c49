"""The operations on executions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowforge.local.states.api_machines import Operation, Request
from flowforge.local.states.execution import Execution, Status
from flowforge.local.states.paging import page_of
from flowforge.local.states.service import StatesService


def _start(service: StatesService, request: Request) -> dict[str, Any]:
    execution = service.start_execution(request["stateMachineArn"], request.get("input", "{}"), request.get("name"))
    return {"executionArn": execution.arn, "startDate": execution.started.timestamp()}


def _stop(service: StatesService, request: Request) -> dict[str, Any]:
    execution = service.stop_execution(request["executionArn"], request.get("error"), request.get("cause"))
    return {"stopDate": _seconds(execution.stopped)}


def _describe(service: StatesService, request: Request) -> dict[str, Any]:
    execution = service.execution(request["executionArn"])
    included = {"included": True}
    running = execution.status is Status.RUNNING
    redrivable = {} if running else _redrive(execution)
    return _without_none(
        {
            **_summary(execution),
            "input": execution.input_text,
            "inputDetails": included,
            "output": execution.output_text,
            "outputDetails": included if execution.output_text is not None else None,
            "error": execution.error,
            "cause": execution.cause,
            "redriveCount": 0,
            **redrivable,
        }
    )


def _list(service: StatesService, request: Request) -> dict[str, Any]:
    machine_arn, status = request["stateMachineArn"], request.get("statusFilter")
    page, token = page_of(service.executions(machine_arn, status), request, f"{machine_arn} {status}")
    return {"executions": [_summary(execution) for execution in page], **token}


def _history(service: StatesService, request: Request) -> dict[str, Any]:
    arn, reverse = request["executionArn"], request.get("reverseOrder", False)
    page, token = page_of(service.events(arn, reverse=reverse), request, f"{arn} {reverse}")
    with_data = request.get("includeExecutionData", True)
    return {"events": [event.as_json(with_data=with_data) for event in page], **token}


def _summary(execution: Execution) -> dict[str, Any]:
    return _without_none(
        {
            "executionArn": execution.arn,
            "stateMachineArn": execution.machine.arn,
            "stateMachineVersionArn": execution.machine.version_arn,
            "stateMachineAliasArn": execution.machine.alias_arn,
            "name": execution.name,
            "status": execution.status.value,
            "startDate": execution.started.timestamp(),
            "stopDate": _seconds(execution.stopped),
            "redriveCount": 0,
        }
    )


def _redrive(execution: Execution) -> dict[str, str]:
    reason = "Execution is SUCCEEDED and cannot be redriven"
    if execution.status is not Status.SUCCEEDED:
        reason = "The local Step Functions service redrives no executions"
    return {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _without_none(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}


EXECUTION_OPERATIONS: Mapping[str, Operation] = {
    "StartExecution": _start,
    "StopExecution": _stop,
    "DescribeExecution": _describe,
    "ListExecutions": _list,
    "GetExecutionHistory": _history,
}
