"""What a function's process uses of what its template allows: memory, with its children's, and scratch space."""

import os
import time
from pathlib import Path

import psutil

MEBIBYTE = 1024 * 1024
# Looking for children means looking at every process of the machine, and for files at every file of the folder; a call
# asks forty times a second.
_CHILDREN_SECONDS = 0.25
_SCRATCH_SECONDS = 0.1


class Usage:
    """Watches a process and its scratch folder. ``peak_bytes`` is the highest resident size that was seen."""

    def __init__(self, pid: int, scratch: Path) -> None:
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.NoSuchProcess:
            # It has ended already, and whoever started it has taken note.
            self._process = None
        self._scratch = scratch
        self._children: list[psutil.Process] = []
        self._children_at = time.monotonic()
        self._scratch_at = 0.0
        self._scratch_bytes = 0
        self.peak_bytes = 0

    def resident_bytes(self) -> int:
        """The resident set of the process and of its children, as far as they still run."""
        if self._process is None:
            return 0
        if time.monotonic() - self._children_at > _CHILDREN_SECONDS:
            self._children = _children_of(self._process)
            self._children_at = time.monotonic()
        total = sum(_resident_bytes(process) for process in (self._process, *self._children))
        self.peak_bytes = max(self.peak_bytes, total)
        return total

    def scratch_bytes(self) -> int:
        """The space on disk that the scratch folder takes, seen at most a tenth of a second ago."""
        if time.monotonic() - self._scratch_at > _SCRATCH_SECONDS:
            self._scratch_bytes = _space_below(self._scratch)
            self._scratch_at = time.monotonic()
        return self._scratch_bytes


def _children_of(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0


def _space_below(folder: Path) -> int:
    """The blocks of all files below a folder; one that is removed meanwhile counts nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                # POSIX counts in units of 512 bytes, whatever the file system's blocks are.
                total += os.lstat(Path(parent, name)).st_blocks * 512
            except FileNotFoundError:
                continue
    return total
