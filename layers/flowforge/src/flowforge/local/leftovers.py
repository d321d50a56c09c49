"""Processes that a stack left behind when it and its guardian were killed at once: found by a mark in their environment."""

import os
import signal
from collections.abc import Iterable
from pathlib import Path

import psutil

from flowforge.local.reaper import signal_group

_MARK = "FLOWFORGE_STACK_STATE"
_END_SECONDS = 5.0


def mark_of(state: Path) -> dict[str, str]:
    """The variable that every process of a stack carries, and hands on to its own children."""
    return {_MARK: str(state)}


def processes_of_stack(state: Path) -> list[psutil.Process]:
    """Every process that carries the mark of this state folder, but not this one."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(_MARK) == str(state):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            # Somebody else's, or gone: neither was started by this user's stack.
            continue
    return found


def end_processes(processes: Iterable[psutil.Process]) -> int:
    """Kill processes with their groups, and wait for their end; how many there were."""
    doomed = list(processes)
    for process in doomed:
        try:
            group = os.getpgid(process.pid)
        except ProcessLookupError:
            continue
        if group != os.getpgrp():
            signal_group(group, signal.SIGKILL)
    psutil.wait_procs(doomed, timeout=_END_SECONDS)
    return len(doomed)
