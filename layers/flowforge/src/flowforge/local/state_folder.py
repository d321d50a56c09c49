"""The state folder of a stack: what lies in it, under which names."""

from dataclasses import dataclass
from pathlib import Path

STATE_FOLDER_NAME = ".flowforge"
"""The state folder of a project, where a command names no other."""


@dataclass(frozen=True)
class StateFolder:
    """A state folder. ``root`` is absolute."""

    root: Path

    @classmethod
    def of(cls, project: Path, chosen: Path | None = None) -> "StateFolder":
        """The folder that a command means: the chosen one, or the project's own."""
        return cls((chosen or project / STATE_FOLDER_NAME).resolve())

    @property
    def lock(self) -> Path:
        """Held by the process of the stack."""
        return self.root / "lock"

    @property
    def stack_file(self) -> Path:
        """Tells where the stack of this folder is to be found."""
        return self.root / "stack.json"

    @property
    def logs(self) -> Path:
        """Logs of functions, a folder for each, and of the stack's own parts."""
        return self.root / "logs"

    @property
    def stack_log(self) -> Path:
        """What the stack itself has to tell."""
        return self.logs / "stack.log"

    @property
    def events(self) -> Path:
        """Asynchronous calls that were accepted and have not ended."""
        return self.root / "events"

    @property
    def executions(self) -> Path:
        """The journal of executions."""
        return self.root / "executions"

    def is_one(self) -> bool:
        """Whether a stack has used this folder."""
        return self.lock.is_file()

    def entries(self) -> list[Path]:
        """Everything in it but the lock, which stays while somebody may wait for it."""
        return sorted(path for path in self.root.iterdir() if path != self.lock)
