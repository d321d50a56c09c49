"""Child processes of the stack: each in a session of its own, known to the guardian, ended as a group."""

import contextlib
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol, Self

from flowforge.local.reaper import Reaper, signal_group


class RunningProcess(Protocol):
    """A process as ``subprocess.Popen`` knows it."""

    @property
    def pid(self) -> int:
        """Its id."""
        ...

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        ...

    def terminate(self) -> None:
        """Send SIGTERM to it."""
        ...


class ChildProcess:
    """A process group of ours: registered with the guardian from its first moment to its last.

    ``process`` leads its group; ``end_signal`` asks it to end in order.
    """

    def __init__(self, process: RunningProcess, reaper: Reaper, end_signal: signal.Signals = signal.SIGTERM) -> None:
        self._process = process
        self._reaper = reaper
        self._end_signal = end_signal
        self._registered = True
        reaper.register(self.pid)

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        reaper: Reaper,
        cwd: Path,
        environment: Mapping[str, str],
        log: IO[bytes],
        end_signal: signal.Signals = signal.SIGTERM,
        options: Mapping[str, Any] | None = None,
    ) -> Self:
        """Start a command; ``options`` go to Popen, such as the user that it runs as."""
        process = subprocess.Popen(  # noqa: S603 -- commands are made by us, never by a user's input
            list(command),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **(options or {}),
        )
        return cls(process, reaper, end_signal)

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
