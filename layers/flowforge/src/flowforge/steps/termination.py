"""Ending at once, with the signal's exit code, when the worker is stopped from outside, wherever its step is.

ECS sends SIGTERM for StopTask and for the end of a Spot capacity, and SIGKILL half a minute later (Amazon ECS Developer
Guide, "stopTimeout"). Nothing of a step needs the time: what it has not published is read by nobody, and what it publishes
becomes visible in one request. Only uploads under way are given up, so that nobody pays for their parts.

This module imports nothing heavy: the first process of a container ignores a signal that it has no handler for, and
loading the engine takes longer than some tasks live.
"""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from flowforge.model.exit_codes import BY_SIGNAL, ExitCode

GRACE_SECONDS = 5.0
"""How long clearing up may take: an S3 that does not answer is no reason to wait for SIGKILL."""


class Termination:
    """Handles SIGTERM, and Ctrl-C, from its making on; before that the system's own way holds."""

    def __init__(self, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self.begun = threading.Event()
        self._grace_seconds = grace_seconds
        self.clear_up: Callable[[], object] = lambda: None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def run(self, work: Callable[[], int]) -> int:
        """The exit code of ``work``, which raises nothing and runs in a thread of its own.

        A handler runs in the main thread, and only between two steps of Python's: a call into the engine can take minutes.
        """
        codes: list[int] = []
        thread = threading.Thread(target=lambda: codes.append(work()), name="step", daemon=True)
        thread.start()
        thread.join()
        return codes[0] if codes else ExitCode.UNEXPECTED

    def _end(self, number: int, _: FrameType | None) -> None:
        self.begun.set()
        clearing = threading.Thread(target=self.clear_up, name="clear up", daemon=True)
        clearing.start()
        clearing.join(self._grace_seconds)
        # No way out by exceptions: the step's thread would have to notice, and the engine's threads never do.
        os._exit(BY_SIGNAL + number)
