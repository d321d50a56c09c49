"""A process that the fork server has forked, as its owner sees it."""

import os
import subprocess
import threading
from dataclasses import dataclass, field
from signal import SIGTERM

from flowforge.local.reaper import signal_group


@dataclass(frozen=True)
class ForkedProcess:
    """A process that the server has forked, with what ``subprocess.Popen`` knows of its own."""

    pid: int
    _ended: threading.Event = field(default_factory=threading.Event)
    _codes: list[int] = field(default_factory=list)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        # Where the server has taken it away, its word is on the way.
        return self.wait() if self._ended.is_set() or not signal_group(self.pid, 0) else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return self._codes[0]

    def terminate(self) -> None:
        """Send SIGTERM to the process."""
        if self.poll() is None:
            os.kill(self.pid, SIGTERM)

    def end(self, code: int) -> None:
        """Take note of its end."""
        self._codes.append(code)
        self._ended.set()
