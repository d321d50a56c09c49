"""The operations on versions and aliases of state machines."""

from collections.abc import Mapping
from typing import Any

from flowforge.local.states.api_machines import Operation, Request
from flowforge.local.states.paging import page_of
from flowforge.local.states.service import StatesService
from flowforge.local.states.versions import Alias


def _publish(service: StatesService, request: Request) -> dict[str, Any]:
    machine = service.machines.get(request["stateMachineArn"])
    version, published = service.machines.versions.publish(machine, request.get("revisionId"))
    return {"stateMachineVersionArn": version.version_arn, "creationDate": published.timestamp()}


def _list_versions(service: StatesService, request: Request) -> dict[str, Any]:
    arn = request["stateMachineArn"]
    page, token = page_of(service.machines.versions.published(service.machines.get(arn).arn), request, arn)
    found = [{"stateMachineVersionArn": item.version_arn, "creationDate": published.timestamp()} for item, published in page]
    return {"stateMachineVersions": found, **token}


def _create_alias(service: StatesService, request: Request) -> dict[str, Any]:
    routing, description = request["routingConfiguration"], request.get("description", "")
    alias = service.machines.versions.create_alias(request["name"], routing, description)
    return {"stateMachineAliasArn": alias.arn, "creationDate": alias.created.timestamp()}


def _update_alias(service: StatesService, request: Request) -> dict[str, Any]:
    arn, routing = request["stateMachineAliasArn"], request.get("routingConfiguration")
    alias = service.machines.versions.move_alias(arn, routing, request.get("description"))
    return {"updateDate": alias.updated.timestamp()}


def _describe_alias(service: StatesService, request: Request) -> dict[str, Any]:
    alias = service.machines.versions.alias(request["stateMachineAliasArn"])
    return {
        **_summary(alias),
        "name": alias.name,
        "description": alias.description,
        "routingConfiguration": [{"stateMachineVersionArn": alias.version_arn, "weight": 100}],
        "updateDate": alias.updated.timestamp(),
    }


def _list_aliases(service: StatesService, request: Request) -> dict[str, Any]:
    arn = request["stateMachineArn"]
    machine = service.machines.get(arn)
    aliases = service.machines.versions.aliases(machine.arn)
    if machine.version_arn is not None:
        aliases = [alias for alias in aliases if alias.version_arn == machine.version_arn]
    page, token = page_of(aliases, request, arn)
    return {"stateMachineAliases": [_summary(alias) for alias in page], **token}


def _summary(alias: Alias) -> dict[str, Any]:
    return {"stateMachineAliasArn": alias.arn, "creationDate": alias.created.timestamp()}


VERSION_OPERATIONS: Mapping[str, Operation] = {
    "PublishStateMachineVersion": _publish,
    "ListStateMachineVersions": _list_versions,
    "CreateStateMachineAlias": _create_alias,
    "UpdateStateMachineAlias": _update_alias,
    "DescribeStateMachineAlias": _describe_alias,
    "ListStateMachineAliases": _list_aliases,
}
