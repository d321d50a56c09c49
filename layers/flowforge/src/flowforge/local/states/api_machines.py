"""The operations on state machines."""

from collections.abc import Callable, Mapping
from typing import Any

from flowforge.local.states.errors import ServiceError
from flowforge.local.states.execution import StateMachine
from flowforge.local.states.fields import InvalidDefinitionError
from flowforge.local.states.paging import page_of
from flowforge.local.states.service import StatesService

Request = Mapping[str, Any]
Operation = Callable[[StatesService, Request], dict[str, Any]]


def _create(service: StatesService, request: Request) -> dict[str, Any]:
    _standard_only(request)
    machine = service.machines.create(request["name"], request["definition"], request["roleArn"])
    return {
        "stateMachineArn": machine.arn,
        "creationDate": machine.created.timestamp(),
        **_published(service, request, machine),
    }


def _update(service: StatesService, request: Request) -> dict[str, Any]:
    machine = service.machines.update(request["stateMachineArn"], request.get("definition"), request.get("roleArn"))
    return {
        "updateDate": machine.updated.timestamp(),
        "revisionId": machine.revision,
        **_published(service, request, machine),
    }


def _published(service: StatesService, request: Request, machine: StateMachine) -> dict[str, Any]:
    if not request.get("publish", False):
        return {}
    version, _ = service.machines.versions.publish(machine)
    return {"stateMachineVersionArn": version.version_arn}


def _delete(service: StatesService, request: Request) -> dict[str, Any]:
    service.machines.delete(request["stateMachineArn"])
    return {}


def _describe(service: StatesService, request: Request) -> dict[str, Any]:
    machine = service.machines.get(request["stateMachineArn"])
    named = {"stateMachineArn": request["stateMachineArn"]}
    answer = {**_summary(machine), **named, "status": "ACTIVE", **_configuration(machine)}
    # A machine that was never updated has no revision.
    return answer if machine.updated == machine.created else {**answer, "revisionId": machine.revision}


def _describe_for_execution(service: StatesService, request: Request) -> dict[str, Any]:
    machine = service.execution(request["executionArn"]).machine
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "updateDate": machine.updated.timestamp(),
        **_configuration(machine),
    }


def _list(service: StatesService, request: Request) -> dict[str, Any]:
    page, token = page_of(service.machines.all(), request, "stateMachines")
    return {"stateMachines": [_summary(machine) for machine in page], **token}


def _validate(service: StatesService, request: Request) -> dict[str, Any]:
    _standard_only(request)
    try:
        service.machines.parse(request["definition"])
    except InvalidDefinitionError as error:
        found = error.diagnostics
    else:
        return {"result": "OK", "diagnostics": [], "truncated": False}
    size = request.get("maxResults") or len(found)
    diagnostics = [
        {
            "severity": "ERROR",
            "code": diagnostic.code,
            "message": diagnostic.message,
            **({"location": diagnostic.place} if diagnostic.place else {}),
        }
        for diagnostic in found[:size]
    ]
    return {"result": "FAIL", "diagnostics": diagnostics, "truncated": size < len(found)}


def _standard_only(request: Request) -> None:
    if request.get("type", "STANDARD") != "STANDARD":
        raise ServiceError("ValidationException", "the local Step Functions service runs machines of type STANDARD only")


def _summary(machine: StateMachine) -> dict[str, Any]:
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": "STANDARD",
        "creationDate": machine.created.timestamp(),
    }


def _configuration(machine: StateMachine) -> dict[str, Any]:
    return {
        "definition": machine.text,
        "roleArn": machine.role_arn,
        "loggingConfiguration": {"level": "OFF", "includeExecutionData": False},
        "tracingConfiguration": {"enabled": False},
    }


MACHINE_OPERATIONS: Mapping[str, Operation] = {
    "CreateStateMachine": _create,
    "UpdateStateMachine": _update,
    "DeleteStateMachine": _delete,
    "DescribeStateMachine": _describe,
    "DescribeStateMachineForExecution": _describe_for_execution,
    "ListStateMachines": _list,
    "ValidateStateMachineDefinition": _validate,
}
