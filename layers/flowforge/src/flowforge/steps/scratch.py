"""Scratch space of a step, below ``/tmp``: empty when the step starts, whatever a killed one left there."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowforge.model.errors import NextTier

LOCK = "lock"


@contextmanager
def scratch_folder(needed_bytes: int = 0) -> Iterator[Path]:
    """A folder of this step's own, removed at its end. Raises NextTier where there is not as much room as is needed for certain.

    A folder is in use while its lock is held, which ends with the process: those of steps that were killed are removed first.
    A warm Lambda keeps ``/tmp`` and would be full after a few of them.
    """
    root = Path(tempfile.gettempdir()) / f"flowforge-{os.getuid()}"
    root.mkdir(mode=0o700, exist_ok=True)
    # One step at a time looks for what others left and makes its own, so a folder without a held lock is nobody's.
    with (root / LOCK).open("wb") as entry:
        fcntl.flock(entry, fcntl.LOCK_EX)
        for left in root.iterdir():
            if left.is_dir():
                _remove_unless_in_use(left)
        free = shutil.disk_usage(root).free
        if needed_bytes > free:
            raise NextTier(f"{needed_bytes:,} bytes of scratch space are needed, and {root.parent} has {free:,}")
        folder = Path(tempfile.mkdtemp(dir=root))
        lock = (folder / LOCK).open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
    with lock:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_unless_in_use(folder: Path) -> None:
    try:
        with (folder / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        # In use, or just removed by the step that ends.
        return
