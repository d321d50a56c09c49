"""The file by which other processes find the stack of a state folder, and see whether it still runs."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil

from flowforge.local.atomic_file import write_atomically
from flowforge.local.state_folder import StateFolder

if TYPE_CHECKING:
    from flowforge.local.connection import StackConnection

# The clock of process starts ticks a hundred times a second, and may be corrected meanwhile.
_START_TOLERANCE_SECONDS = 1.0


@dataclass(frozen=True)
class StackFile:
    """What ``stack.json`` holds. ``process_started``, in seconds since 1970, tells the process from a later one of its pid.

    ``shared`` is whether others may use the stack: one that was made for a single run ends with that run.
    """

    pid: int
    process_started: float
    started_at: str
    shared: bool
    endpoints: Mapping[str, str]
    data_bucket: str
    state_machine_arn: str

    @classmethod
    def of(cls, connection: "StackConnection", *, shared: bool) -> Self:
        """Describe a stack of this process."""
        return cls(
            pid=os.getpid(),
            process_started=psutil.Process().create_time(),
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            shared=shared,
            endpoints=connection.endpoints,
            data_bucket=connection.data_bucket,
            state_machine_arn=connection.state_machine_arn,
        )

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read the file; None where there is none, or none that this version wrote."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Write the file, for its owner alone: it holds the database's password. A reader sees it whole or not at all."""
        write_atomically(path, json.dumps(asdict(self), indent=2) + "\n", mode=0o600)

    @property
    def alive(self) -> bool:
        """Whether the process that wrote it still runs."""
        try:
            process = psutil.Process(self.pid)
            ended = process.status() == psutil.STATUS_ZOMBIE
            return not ended and abs(process.create_time() - self.process_started) < _START_TOLERANCE_SECONDS
        except psutil.NoSuchProcess:
            return False

    def connection(self) -> "StackConnection":
        """A way to the stack. Its clients are loaded here: who only wants the API's address does without them."""
        from flowforge.local.connection import StackConnection

        return StackConnection(self.endpoints, self.data_bucket, self.state_machine_arn)


def running_stack(folder: StateFolder) -> StackFile | None:
    """The stack that ``flowforge up`` keeps for this folder; None where there is none that others may use."""
    found = StackFile.read(folder.stack_file)
    return found if found is not None and found.shared and found.alive else None
