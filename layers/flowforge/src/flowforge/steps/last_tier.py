"""How large the machine of the last tier is, for a message to say what was not enough.

ECS tells a task's limits by its metadata endpoint (Amazon ECS Developer Guide, "Task metadata endpoint version 4 for
tasks on Fargate"): a container of such a task need not have a limit of its own, so the kernel's file can say ``max``.
"""

import json
import os
import shutil
import tempfile
import urllib.request
from pathlib import Path

METADATA_VARIABLE = "ECS_CONTAINER_METADATA_URI_V4"
METADATA_SECONDS = 2
CONTROL_GROUP_FILES = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
UNLIMITED_BYTES = 1 << 60
"""Version 1 of control groups writes "no limit" as a number near 2**63."""
MEBIBYTE = 1 << 20


def last_tier(control_group_files: tuple[Path, ...] = CONTROL_GROUP_FILES) -> str:
    """One sentence: the size of this machine, as far as it is known, and what would be needed."""
    memory = container_memory_mib(control_group_files)
    disk = shutil.disk_usage(tempfile.gettempdir()).total // MEBIBYTE
    size = f"{memory} MiB of memory" if memory else "memory of unknown size"
    return f"The last tier has {size} and {disk} MiB in /tmp: give the worker's task more, or split the files"


def container_memory_mib(control_group_files: tuple[Path, ...] = CONTROL_GROUP_FILES) -> int | None:
    """The memory of the task or of the container, in MiB; None where nothing limits it."""
    return _memory_of_task() or _memory_of_container(control_group_files)


def _memory_of_task() -> int | None:
    """The task's memory in MiB, where ECS tells it."""
    address = os.environ.get(METADATA_VARIABLE, "")
    if not address.startswith("http://"):
        return None
    try:
        with urllib.request.urlopen(f"{address}/task", timeout=METADATA_SECONDS) as answer:  # noqa: S310  # http only
            return int(json.load(answer)["Limits"]["Memory"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _memory_of_container(files: tuple[Path, ...]) -> int | None:
    """The container's memory in MiB, where the kernel limits it."""
    for file in files:
        try:
            limit = int(file.read_text())
        except (OSError, ValueError):
            continue
        if limit < UNLIMITED_BYTES:
            return limit // MEBIBYTE
    return None
