"""Time that jumps instead of passing."""

import asyncio
import time
from datetime import timedelta

from flowforge.local.states.clock import LoopClock, VirtualTimeLoop, iso_time
from unit.local.states_lab import DAWN


def test_a_day_passes_in_no_time_and_timers_keep_their_order() -> None:
    loop = VirtualTimeLoop()
    clock = LoopClock(loop, DAWN)
    seen: list[str] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append(name)

    async def main() -> None:
        await asyncio.gather(wait("late", 86_400), wait("soon", 1), wait("later", 3600))

    began = time.monotonic()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
    assert seen == ["soon", "later", "late"]
    assert clock.now() - DAWN == timedelta(days=1)
    assert time.monotonic() - began < 5


def test_times_are_told_in_utc_with_milliseconds() -> None:
    assert iso_time(DAWN) == "2026-11-23T06:00:00.000Z"
