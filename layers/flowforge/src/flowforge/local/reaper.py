"""A guardian that outlives its owner for a moment, to end the process groups that the owner left behind.

The owner writes ``+<group>`` and ``-<group>`` lines into the guardian's standard input. The kernel closes that pipe when
the owner ends, also by SIGKILL, which no handler inside the owner could see; whatever is still registered then is ended.
The file is run as a script, by its path and with the standard library only, so that it starts in milliseconds.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

TERM_SECONDS = 2.0
_POLL_SECONDS = 0.02


class Reaper:
    """The owner's end of the guardian: start it first, register every process group, close it last.

    ``environment`` marks the guardian as part of a stack. One that was killed is replaced when ``renew`` finds out.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = {**os.environ, **(environment or {})}
        self._lock = threading.Lock()
        self._groups: dict[int, None] = {}
        self._closed = False
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 -- our own interpreter and our own file
            [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=self._environment,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The guardian's process id."""
        return self._process.pid

    def register(self, group: int) -> None:
        """End this process group when the owner ends."""
        with self._lock:
            self._groups[group] = None
            self._tell(f"+{group}\n")

    def unregister(self, group: int) -> None:
        """Forget a process group that has ended, so that a later owner of its number is left alone."""
        with self._lock:
            self._groups.pop(group, None)
            self._tell(f"-{group}\n")

    def renew(self) -> bool:
        """Start another guardian where this one has ended; whether that was so."""
        with self._lock:
            if self._process.poll() is None or self._closed:
                return False
            self._process = self._start()
            for group in self._groups:
                self._tell(f"+{group}\n")
            return True

    def close(self) -> None:
        """Let the guardian end whatever is still registered, and itself."""
        with self._lock:
            self._closed = True
            if self._process.stdin is not None and not self._process.stdin.closed:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.close()
        try:
            self._process.wait(timeout=TERM_SECONDS + 3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _tell(self, line: str) -> None:
        # One unbuffered write: a line of this size reaches a pipe whole, from any thread.
        if self._process.stdin is None:
            raise RuntimeError("the guardian was started without a pipe")
        with contextlib.suppress(BrokenPipeError):
            # Killed; whoever looks after the stack renews it, and the new one is told all groups.
            os.write(self._process.stdin.fileno(), line.encode())


def signal_group(group: int, number: int) -> bool:
    """Signal a process group (0 only asks); False where there is none."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        # macOS answers this for a group of zombies; on Linux the number then belongs to somebody else.
        return False
    return True


def _guard() -> None:
    groups: dict[int, None] = {}
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups[group] = None
        else:
            groups.pop(group, None)
    left = list(groups)
    for group in left:
        signal_group(group, signal.SIGTERM)
    deadline = time.monotonic() + TERM_SECONDS
    while time.monotonic() < deadline and any(signal_group(group, 0) for group in left):
        time.sleep(_POLL_SECONDS)
    for group in left:
        signal_group(group, signal.SIGKILL)


if __name__ == "__main__":
    _guard()
