"""A hard limit of memory for one process: a memory control group of the kernel, version 1 or 2, where this user may make one."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION_1 = Path("/sys/fs/cgroup/memory")
VERSION_2 = Path("/sys/fs/cgroup")
MIB = 1 << 20


@contextmanager
def memory_limit(mib: int) -> Iterator[Path | None]:
    """A group that holds its processes to ``mib`` MiB, page cache included. None where the machine lets us make none."""
    name = f"flowforge-bench-{uuid.uuid4().hex[:8]}"
    legacy = (VERSION_1 / "memory.limit_in_bytes").exists()
    group = (VERSION_1 if legacy else VERSION_2) / name
    try:
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        limit = str(mib * MIB)
        for file in ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes") if legacy else ("memory.max",):
            if (group / file).exists():
                (group / file).write_text(limit)
        if (group / "memory.swap.max").exists():
            (group / "memory.swap.max").write_text("0")
        yield group if any((group / file).exists() for file in ("memory.limit_in_bytes", "memory.max")) else None
    finally:
        group.rmdir()


def start_within(group: Path | None, command: list[str], environment: dict[str, str]) -> "subprocess.Popen[str]":
    """Start a process that is in the group before it runs anything."""

    def enter() -> None:
        if group is not None:
            (group / "cgroup.procs").write_text(str(os.getpid()))

    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # This process has one thread, and the child has to enter the group before it allocates anything.
        preexec_fn=enter,
    )
