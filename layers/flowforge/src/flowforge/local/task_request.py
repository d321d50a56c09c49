"""What RunTask is asked for: its arguments checked as ECS checks them, and the task definition with the overrides made."""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

from flowforge.local.fargate import ephemeral_fault, size_fault
from flowforge.local.task_definitions import ClusterSpec, ContainerSpec, TaskDefinitionSpec

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
_CLIENT_TOKEN = re.compile(r"[\x21-\x7e]{1,64}")
_LONGEST_STARTED_BY = 128
_LONGEST_OVERRIDES = 8192


class RunTaskError(Exception):
    """RunTask is refused. ``code`` is the name of ECS's exception."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ArgumentsError(Exception):
    """The arguments are none of RunTask's; each message tells one fault."""


class NotPlacedError(Exception):
    """The request was taken, and the task was not placed. ``failures`` is the answer's member of that name."""

    def __init__(self, failures: list[dict[str, str]]) -> None:
        super().__init__(failures[0]["Reason"])
        self.failures = failures


@dataclass(frozen=True)
class TaskRequest:
    """One task to run. ``definition`` has the overrides in it, ``told`` is every argument as it was given."""

    cluster: ClusterSpec
    definition: TaskDefinitionSpec
    provider: str | None
    told: Mapping[str, Any]

    @property
    def overrides(self) -> Mapping[str, Any]:
        """The overrides as they were given."""
        overrides: Mapping[str, Any] = self.told.get("Overrides", {})
        return overrides


def read_request(arguments: Any, clusters: Iterable[ClusterSpec], definitions: Iterable[TaskDefinitionSpec]) -> TaskRequest:
    """Read the arguments of RunTask, their names beginning with capitals. Raises ArgumentsError and RunTaskError."""
    told = _checked(arguments)
    _check_lengths(told)
    cluster = _find_cluster(told.get("Cluster", "default"), clusters)
    definition = _find_definition(told["TaskDefinition"], definitions)
    provider = _provider(told, cluster)
    network = told.get("NetworkConfiguration", {}).get("AwsvpcConfiguration", {})
    if not network.get("Subnets"):
        raise _invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    if told.get("Count", 1) != 1:
        raise ArgumentsError("The local stack starts one task at a time, so Count must be 1")
    return TaskRequest(cluster, _with_overrides(definition, told.get("Overrides", {})), provider, told)


def _checked(arguments: Any) -> Mapping[str, Any]:
    if not isinstance(arguments, Mapping):
        raise ArgumentsError("not an object")
    report = ParamValidator().validate(_lower_names(arguments), _input_shape())
    if report.has_errors():
        raise ArgumentsError(report.generate_report())
    return arguments


@functools.cache
def _input_shape() -> Shape:
    """RunTask's input, from the description of ECS that comes with botocore."""
    description = Loader().load_service_model("ecs", "service-2")
    shape = ServiceModel(description, "ecs").operation_model("RunTask").input_shape
    if shape is None:
        raise RuntimeError("botocore's description of RunTask has no input")
    return shape


def _lower_names(value: Any) -> Any:
    """The same with ECS's own names, which begin with small letters, for a check by its own description."""
    if isinstance(value, Mapping):
        wrong = [name for name in value if not name[:1].isupper()]
        if wrong:
            raise ArgumentsError(f"The field '{wrong[0]}' is not supported by Step Functions")
        return {name[0].lower() + name[1:]: _lower_names(item) for name, item in value.items()}
    return [_lower_names(item) for item in value] if isinstance(value, list) else value


def _check_lengths(told: Mapping[str, Any]) -> None:
    if "ClientToken" in told and _CLIENT_TOKEN.fullmatch(told["ClientToken"]) is None:
        raise _invalid("clientToken must have 1 to 64 characters, each of them visible ASCII.")
    if len(told.get("StartedBy", "")) > _LONGEST_STARTED_BY:
        raise _invalid(f"startedBy must have {_LONGEST_STARTED_BY} characters at most.")
    if len(json.dumps(told.get("Overrides", {}), separators=(",", ":"))) > _LONGEST_OVERRIDES:
        raise _invalid(f"Container Overrides length must be at most {_LONGEST_OVERRIDES}")


def _invalid(message: str) -> RunTaskError:
    return RunTaskError("InvalidParameterException", message)


def _find_cluster(reference: str, clusters: Iterable[ClusterSpec]) -> ClusterSpec:
    for cluster in clusters:
        if reference in (cluster.name, cluster.arn):
            return cluster
    raise RunTaskError("ClusterNotFoundException", "Cluster not found.")


def _find_definition(reference: str, definitions: Iterable[TaskDefinitionSpec]) -> TaskDefinitionSpec:
    for definition in definitions:
        if reference in (definition.family, f"{definition.family}:1", definition.arn, definition.arn.removesuffix(":1")):
            return definition
    raise RunTaskError("ClientException", "TaskDefinition not found.")


def _provider(told: Mapping[str, Any], cluster: ClusterSpec) -> str | None:
    """The capacity provider that the task comes to; None for the launch type FARGATE without one."""
    launch, strategy = told.get("LaunchType"), told.get("CapacityProviderStrategy", [])
    if launch is not None and strategy:
        raise _invalid("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
    if launch == "FARGATE":
        return None
    chosen = [str(item["CapacityProvider"]) for item in strategy] or ([] if launch else list(cluster.strategy))
    missing = [name for name in chosen if name not in cluster.providers]
    if missing:
        raise _invalid(
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the "
            f"cluster: {missing[0]}."
        )
    if not chosen:
        # The launch type is EC2 then, by its name or because nothing else is said.
        raise _invalid("No Container Instances were found in your cluster.")
    return chosen[0]


def _with_overrides(definition: TaskDefinitionSpec, overrides: Mapping[str, Any]) -> TaskDefinitionSpec:
    container = definition.container
    for override in overrides.get("ContainerOverrides", []):
        if override.get("Name") != container.name:
            raise _invalid(f"Override for container named {override.get('Name')} is not a container in the TaskDefinition.")
        container = _with_container_override(container, override)
    cpu, memory_mb, ephemeral_mb = definition.cpu, definition.memory_mb, definition.ephemeral_mb
    if "Cpu" in overrides or "Memory" in overrides:
        cpu = _number(overrides.get("Cpu", cpu), "cpu")
        memory_mb = _number(overrides.get("Memory", memory_mb), "memory")
        fault = size_fault(cpu, memory_mb)
        if fault is not None:
            raise _invalid(fault)
    if "EphemeralStorage" in overrides:
        gib = overrides["EphemeralStorage"]["SizeInGiB"]
        fault = ephemeral_fault(gib)
        if fault is not None:
            raise _invalid(fault)
        ephemeral_mb = gib * 1024
    return replace(definition, cpu=cpu, memory_mb=memory_mb, ephemeral_mb=ephemeral_mb, container=container)


def _with_container_override(container: ContainerSpec, override: Mapping[str, Any]) -> ContainerSpec:
    variables = {item["Name"]: item["Value"] for item in override.get("Environment", [])}
    return replace(
        container,
        command=tuple(override.get("Command") or container.command),
        environment={**container.environment, **variables},
        memory_mb=override.get("Memory", container.memory_mb),
    )


def _number(value: Any, name: str) -> int:
    if not str(value).isdecimal():
        raise _invalid(f"Invalid '{name}' setting for task.")
    return int(value)
