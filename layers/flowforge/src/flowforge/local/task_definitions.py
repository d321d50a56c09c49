"""ECS task definitions and clusters as a template declares them, as far as a laptop runs them: a task of one container.

A container is a script of the project: the one named ``worker`` is ``functions/worker/worker.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowforge.local.cloudformation import ACCOUNT, REGION, Resolver
from flowforge.local.errors import LocalStackError
from flowforge.local.fargate import (
    DEFAULT_EPHEMERAL_GIB,
    DEFAULT_STOP_SECONDS,
    LONGEST_STOP_SECONDS,
    ephemeral_fault,
    size_fault,
)

CLUSTER, TASK_DEFINITION, PROVIDERS = (
    "AWS::ECS::Cluster",
    "AWS::ECS::TaskDefinition",
    "AWS::ECS::ClusterCapacityProviderAssociations",
)
_NAME_PROPERTY = {CLUSTER: "ClusterName", TASK_DEFINITION: "Family"}
Declared = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class ContainerSpec:
    """A container: its script and its arguments. ``memory_mb`` is a limit of its own, below the task's."""

    name: str
    script: Path
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    memory_mb: int | None = None
    stop_seconds: float = DEFAULT_STOP_SECONDS
    log_group: str | None = None
    stream_prefix: str = ""


@dataclass(frozen=True)
class TaskDefinitionSpec:
    """A task definition, always in its first revision. ``cpu`` is in units of 1/1024 vCPU, and limits nothing here."""

    family: str
    cpu: int
    memory_mb: int
    container: ContainerSpec
    ephemeral_mb: int = DEFAULT_EPHEMERAL_GIB * 1024

    @property
    def arn(self) -> str:
        """The task definition's ARN on the laptop."""
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{self.family}:1"


@dataclass(frozen=True)
class ClusterSpec:
    """A cluster. ``providers`` are the capacity providers that it has, ``strategy`` those that it takes by itself."""

    name: str
    providers: tuple[str, ...] = ()
    strategy: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        """The cluster's ARN on the laptop."""
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{self.name}"


def task_attributes(resources: Declared, resolver: Resolver) -> dict[str, str]:
    """What Ref and GetAtt give for clusters and task definitions."""
    found: dict[str, str] = {}
    for logical, resource in resources.items():
        kind = resource.get("Type", "")
        if kind not in _NAME_PROPERTY:
            continue
        name = _physical_name(logical, resource, resolver)
        if kind == CLUSTER:
            found |= {logical: name, f"{logical}.Arn": ClusterSpec(name).arn}
        else:
            arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{name}:1"
            found |= {logical: arn, f"{logical}.TaskDefinitionArn": arn}
    return found


def read_clusters(resources: Declared, resolver: Resolver) -> tuple[ClusterSpec, ...]:
    """The clusters, with the capacity providers that they have or are given by a resource of their own."""
    providers, strategies = "CapacityProviders", "DefaultCapacityProviderStrategy"
    given: dict[str, Mapping[str, Any]] = {}
    for logical, resource in resources.items():
        if resource.get("Type") == PROVIDERS:
            declared = resolver.resolve(resource.get("Properties", {}), f"Resources/{logical}")
            given[str(declared.get("Cluster")).rpartition("/")[2]] = declared
    found = []
    for logical, resource in resources.items():
        if resource.get("Type") != CLUSTER:
            continue
        name = _physical_name(logical, resource, resolver)
        own = {key: resource.get("Properties", {}).get(key, []) for key in (providers, strategies)}
        declared = given.get(name) or resolver.resolve(own, f"Resources/{logical}")
        strategy = tuple(str(item["CapacityProvider"]) for item in declared.get(strategies, []))
        found.append(ClusterSpec(name, tuple(map(str, declared.get(providers, []))), strategy))
    return tuple(found)


def read_task_definitions(
    resources: Declared, resolver: Resolver, root: Path, environment: Mapping[str, str]
) -> tuple[TaskDefinitionSpec, ...]:
    """The task definitions; ``root`` is the project, ``environment`` replaces variables of every container.

    Raises LocalStackError with the place of what a laptop cannot run, and of what Fargate would refuse.
    """
    return tuple(
        _Reader(f"Resources/{logical}", resolver, root, environment).definition(
            _physical_name(logical, resource, resolver), resource.get("Properties", {})
        )
        for logical, resource in resources.items()
        if resource.get("Type") == TASK_DEFINITION
    )


@dataclass(frozen=True)
class _Reader:
    place: str
    resolver: Resolver
    root: Path
    environment: Mapping[str, str]

    def definition(self, family: str, properties: Mapping[str, Any]) -> TaskDefinitionSpec:
        containers = properties.get("ContainerDefinitions", [])
        if len(containers) != 1:
            raise LocalStackError(f"{self.place}/ContainerDefinitions: the local stack runs tasks of one container")
        cpu, memory_mb = (self._number(properties, name, self.place) for name in ("Cpu", "Memory"))
        if cpu is None or memory_mb is None:
            raise LocalStackError(f"{self.place}: Fargate needs Cpu and Memory of the task")
        storage = properties.get("EphemeralStorage", {})
        gib = self._number(storage, "SizeInGiB", f"{self.place}/EphemeralStorage")
        fault = size_fault(cpu, memory_mb) or (None if gib is None else ephemeral_fault(gib))
        if fault is not None:
            raise LocalStackError(f"{self.place}: {fault}")
        container = self._container(f"{self.place}/ContainerDefinitions[0]", containers[0])
        return TaskDefinitionSpec(family, cpu, memory_mb, container, (gib or DEFAULT_EPHEMERAL_GIB) * 1024)

    def _container(self, place: str, declared: Mapping[str, Any]) -> ContainerSpec:
        # Its image may be anything that only AWS can resolve, so only these are looked at.
        read = ("Name", "Command", "LogConfiguration")
        values = self.resolver.resolve({key: declared[key] for key in read if key in declared}, place)
        name = str(values["Name"])
        script = self.root / "functions" / name / f"{name}.py"
        if not script.is_file():
            raise LocalStackError(f"{place}: the container {name} has no script {script}")
        stop_seconds = self._number(declared, "StopTimeout", place)
        if stop_seconds is not None and stop_seconds > LONGEST_STOP_SECONDS:
            raise LocalStackError(f"{place}/StopTimeout: Fargate waits {LONGEST_STOP_SECONDS} seconds at most")
        logs = values.get("LogConfiguration", {}).get("Options", {})
        return ContainerSpec(
            name=name,
            script=script.resolve(),
            command=tuple(map(str, values.get("Command", ()))),
            environment=self._variables(place, declared),
            memory_mb=self._number(declared, "Memory", place),
            stop_seconds=DEFAULT_STOP_SECONDS if stop_seconds is None else stop_seconds,
            log_group=logs.get("awslogs-group"),
            stream_prefix=str(logs.get("awslogs-stream-prefix", "")),
        )

    def _variables(self, place: str, declared: Mapping[str, Any]) -> dict[str, str]:
        secrets = [item["Name"] for item in declared.get("Secrets", []) if item["Name"] not in self.environment]
        if secrets:
            raise LocalStackError(f"{place}/Secrets: the local stack sets no value for {', '.join(secrets)}")
        pairs: list[Any] = []
        for item in declared.get("Environment", []):
            # A variable that is there on a condition has no name before that is decided.
            pairs += [item] if "Name" in item else self.resolver.resolve([item], f"{place}/Environment")
        own = {item["Name"]: item["Value"] for item in pairs if item["Name"] not in self.environment}
        resolved = self.resolver.resolve(own, f"{place}/Environment")
        return {name: str(value) for name, value in {**resolved, **self.environment}.items()}

    def _number(self, properties: Mapping[str, Any], name: str, place: str) -> int | None:
        value = self.resolver.resolve(properties.get(name), f"{place}/{name}")
        if value is None:
            return None
        if not str(value).isdecimal():
            raise LocalStackError(f"{place}/{name}: the local stack takes a whole number, and not {value}")
        return int(value)


def _physical_name(logical: str, resource: Mapping[str, Any], resolver: Resolver) -> str:
    member = _NAME_PROPERTY[resource["Type"]]
    given = resource.get("Properties", {}).get(member)
    return f"flowforge-local-{logical}" if given is None else str(resolver.resolve(given, f"Resources/{logical}/{member}"))
