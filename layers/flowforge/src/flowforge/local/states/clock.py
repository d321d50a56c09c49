"""Time for the interpreter: it sleeps on its event loop, and asks a clock what time it is.

A loop whose time jumps forward when nothing is left to do, with a clock that follows it, runs hours in milliseconds.
"""

import asyncio
import re
import selectors
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

# RFC 3339 with an upper-case T, and Z or an offset: https://states-language.net/spec.html#timestamps
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


class Clock(Protocol):
    """Tells the time, in UTC."""

    def now(self) -> datetime:
        """The time now."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time now."""
        return datetime.now(UTC)


class LoopClock:
    """A clock that goes as its event loop's time goes, from a given moment on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime) -> None:
        self._loop = loop
        self._start = start
        self._origin = loop.time()

    def now(self) -> datetime:
        """The time now."""
        return self._start + timedelta(seconds=self._loop.time() - self._origin)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits for a timer: when it would sleep, its time jumps to the next timer.

    Only for work inside the loop. What happens in other threads or processes takes real time, which it does not see.
    """

    def __init__(self) -> None:
        self._virtual = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """The loop's own time, in seconds."""
        return self._virtual

    def jump(self, seconds: float) -> None:
        """Move the time forward."""
        self._virtual += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self._loop.jump(timeout)
        return ready


def iso_time(moment: datetime) -> str:
    """A moment as the context object shows it: ``2026-01-02T03:04:05.678Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime | None:
    """A moment as a Wait state names it, in the profile of ISO 8601 that AWS takes; None for anything else."""
    if _TIMESTAMP.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
