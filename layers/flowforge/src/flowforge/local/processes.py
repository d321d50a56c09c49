"""Child processes of the stack: each in a session of its own, known to the guardian, ended as a group."""

import contextlib
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from flowforge.local.reaper import Reaper, signal_group


class ChildProcess:
    """A process group that we started: registered with the guardian from its first moment to its last.

    ``end_signal`` asks it to end in order; ``options`` go to Popen, such as the user that it runs as.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        reaper: Reaper,
        cwd: Path,
        environment: Mapping[str, str],
        log: IO[bytes],
        end_signal: signal.Signals = signal.SIGTERM,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._reaper = reaper
        self._end_signal = end_signal
        self._process = subprocess.Popen(  # noqa: S603 -- commands are made by us, never by a user's input
            list(command),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **(options or {}),
        )
        self._registered = True
        reaper.register(self.pid)

    @property
    def pid(self) -> int:
        """The process id, which is also the number of its group."""
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        """Send SIGTERM to the process itself, as a container's end does; its children hear nothing of it."""
        self._process.terminate()

    def stop(self, *, seconds: float) -> None:
        """End the whole group: the signal that asks, ``seconds`` of grace, SIGKILL. Does nothing the second time."""
        if not self._registered:
            return
        self._registered = False
        if seconds > 0 and signal_group(self.pid, self._end_signal):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=seconds)
        signal_group(self.pid, signal.SIGKILL)
        self._process.wait()
        self._reaper.unregister(self.pid)
