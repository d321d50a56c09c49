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
import time
from pathlib import Path

TERM_SECONDS = 2.0
_POLL_SECONDS = 0.02


class Reaper:
    """The owner's end of the guardian: start it first, register every process group, close it last."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 -- our own interpreter and our own file
            [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The guardian's process id."""
        return self._process.pid

    def register(self, group: int) -> None:
        """End this process group when the owner ends."""
        self._tell(f"+{group}\n")

    def unregister(self, group: int) -> None:
        """Forget a process group that has ended, so that a later owner of its number is left alone."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Let the guardian end whatever is still registered, and itself."""
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
