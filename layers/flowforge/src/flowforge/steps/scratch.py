"""Scratch space of a step: empty when it starts, and gone when it ends.

``/tmp`` outlives a process that was killed, and a warm function finds it as it was left.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowforge.model.errors import NextTier

PREFIX = "flowforge-step-"


@contextmanager
def scratch_folder(needed_bytes: int) -> Iterator[Path]:
    """A folder of this process's own. Raises NextTier where there is not as much room as is needed for certain."""
    root = Path(tempfile.gettempdir())
    for left in root.glob(f"{PREFIX}*"):
        if not _is_alive(left.name.removeprefix(PREFIX)):
            shutil.rmtree(left, ignore_errors=True)
    folder = root / f"{PREFIX}{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    free = shutil.disk_usage(root).free
    if needed_bytes > free:
        raise NextTier(f"{needed_bytes:,} bytes of scratch space are needed, and {root} has {free:,}")
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process_id: str) -> bool:
    """Whether a process of that id is there; a name that is no id belongs to nobody of ours."""
    if not process_id.isdigit():
        return True
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
