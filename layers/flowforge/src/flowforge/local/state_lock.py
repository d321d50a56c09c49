"""The lock of a state folder: whoever holds it is the folder's stack; the kernel lets it go when the process ends."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from flowforge.local.errors import LocalStackError
from flowforge.local.state_folder import StateFolder

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.03


@contextmanager
def hold(folder: StateFolder) -> Iterator[None]:
    """Hold the state folder: two stacks in one folder would overwrite each other's objects. Raises LocalStackError."""
    folder.root.mkdir(parents=True, exist_ok=True)
    with folder.lock.open("a+", encoding="ascii") as lock:
        if not _take(lock):
            raise LocalStackError(
                f"{folder.root} is in use by process {_written(lock)}: end it first, or choose another state folder"
            )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def holder(folder: StateFolder) -> str | None:
    """The process that holds the folder, as it wrote itself down; None where nobody does."""
    try:
        lock = folder.lock.open("r", encoding="ascii")
    except FileNotFoundError:
        return None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _written(lock)
        return None


def _take(lock: IO[str]) -> bool:
    # Whoever only asks who holds the folder holds it for an instant; that must not stop a stack.
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_PAUSE_SECONDS)
    return False


def _written(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "(unknown)"
