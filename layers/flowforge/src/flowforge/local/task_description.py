"""What ECS tells about a task, in the form in which Step Functions shows it: the members' names begin with capitals."""

import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowforge.local.cloudformation import ACCOUNT, REGION
from flowforge.local.task_request import TaskRequest

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
EXITED = ("EssentialContainerExited", "Essential container in task exited")
STOPPED_BY_CALLER = ("UserInitiated", "Task stopped by user")
NOT_STARTED = ("TaskFailedToStart", "Task failed to start")
# Each change of a task's status counts its version up: PENDING and DEPROVISIONING, which nobody sees here, do so too.
_VERSIONS = {"PROVISIONING": 1, "RUNNING": 3, "STOPPED": 5}
_CONTAINER_STATUS = {"PROVISIONING": "PENDING"}
_TASK_OVERRIDES = ("Cpu", "EphemeralStorage", "ExecutionRoleArn", "Memory", "TaskRoleArn")
_UNAME = {"aarch64": "arm64"}


def now_milliseconds() -> int:
    """The time now as the descriptions tell it: in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@dataclass
class Progress:
    """How far a task has come. ``moments`` are those of its description, in milliseconds since 1970."""

    task_id: str
    status: str = "PROVISIONING"
    moments: dict[str, int] = field(default_factory=lambda: {"CreatedAt": now_milliseconds()})
    exit_code: int | None = None
    reason: str | None = None
    stop: tuple[str, str] | None = None
    """The code and the reason of the stop."""

    def reach(self, *names: str) -> None:
        """Write down that these moments are now."""
        self.moments |= dict.fromkeys(names, now_milliseconds())


def describe(request: TaskRequest, progress: Progress) -> dict[str, Any]:
    """The description of a task. What a laptop has not is empty (attachments, network) or missing (image digest)."""
    definition, told = request.definition, request.told
    task_arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{request.cluster.name}/{progress.task_id}"
    code, reason = progress.stop or (None, None)
    members: dict[str, Any] = {
        "Attachments": [],
        "Attributes": [
            {"Name": "ecs.cpu-architecture", "Value": _UNAME.get(platform.machine(), platform.machine())},
        ],
        "AvailabilityZone": f"{REGION}a",
        "CapacityProviderName": request.provider,
        "ClusterArn": request.cluster.arn,
        "Connectivity": "CONNECTED" if "ConnectivityAt" in progress.moments else None,
        "Containers": [_container(request, progress, task_arn)],
        "Cpu": str(definition.cpu),
        "DesiredStatus": "RUNNING" if progress.stop is None else "STOPPED",
        "EnableExecuteCommand": told.get("EnableExecuteCommand", False),
        "EphemeralStorage": {"SizeInGiB": definition.ephemeral_mb // 1024},
        "Group": told.get("Group", f"family:{definition.family}"),
        "InferenceAccelerators": [],
        "LastStatus": progress.status,
        "LaunchType": "FARGATE",
        "Memory": str(definition.memory_mb),
        "Overrides": _overrides(request),
        "PlatformFamily": "Linux" if progress.stop is None else None,
        "PlatformVersion": "1.4.0",
        "StartedBy": told.get("StartedBy", "AWS Step Functions"),
        "StopCode": code,
        "StoppedReason": reason,
        "Tags": list(told.get("Tags", [])),
        "TaskArn": task_arn,
        "TaskDefinitionArn": definition.arn,
        "Version": _VERSIONS[progress.status],
        **progress.moments,
    }
    return {name: members[name] for name in sorted(members) if members[name] is not None}


def _container(request: TaskRequest, progress: Progress, task_arn: str) -> dict[str, Any]:
    container = request.definition.container
    members: dict[str, Any] = {
        "ContainerArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:container/{request.cluster.name}/{progress.task_id}/{container.name}",
        "Cpu": "0",
        "ExitCode": progress.exit_code,
        "GpuIds": [],
        "Image": f"{container.name}:local",
        "LastStatus": _CONTAINER_STATUS.get(progress.status, progress.status),
        "ManagedAgents": [],
        "Memory": None if container.memory_mb is None else str(container.memory_mb),
        "Name": container.name,
        "NetworkBindings": [],
        "NetworkInterfaces": [],
        "Reason": progress.reason,
        "RuntimeId": f"{progress.task_id}-{container.name}" if "StartedAt" in progress.moments else None,
        "TaskArn": task_arn,
    }
    return {name: value for name, value in members.items() if value is not None}


def _overrides(request: TaskRequest) -> dict[str, Any]:
    given = request.overrides
    containers = given.get("ContainerOverrides") or [{"Name": request.definition.container.name}]
    return {
        "ContainerOverrides": [_container_override(override) for override in containers],
        **{name: given[name] for name in _TASK_OVERRIDES if name in given},
        "InferenceAcceleratorOverrides": [],
    }


def _container_override(override: Mapping[str, Any]) -> dict[str, Any]:
    empty: dict[str, Any] = {"Command": [], "Environment": [], "EnvironmentFiles": [], "ResourceRequirements": []}
    members = {**empty, **override}
    return {name: members[name] for name in sorted(members)}
