"""Chains of states that run at once, in a Map or a Parallel state: the first failure ends all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flowforge.local.states.definition import Container
from flowforge.local.states.history import Chain, History
from flowforge.local.states.visit import Scope, Visit

# The states whose abort the history shows.
_ABORTABLE = ("Task", "Wait", "Map", "Parallel")

RunContainer = Callable[[Container, Any, Scope, Chain, Mapping[str, Any]], Awaitable[Any]]


@dataclass(frozen=True)
class Sibling:
    """One of the chains, by its index among the items or branches."""

    index: int
    chain: Chain


class Siblings:
    """Those of one attempt of a state that are running."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Task[Any], Sibling] = {}

    def __len__(self) -> int:
        return len(self._running)

    def launch(self, sibling: Sibling, work: Awaitable[Any]) -> None:
        """Start one more."""
        self._running[asyncio.ensure_future(work)] = sibling

    async def some_finished(self) -> list[tuple[Sibling, "asyncio.Task[Any]"]]:
        """Wait until one or more are done; they come by their index, and count as running no longer."""
        done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        return [(self._running.pop(task), task) for task in sorted(done, key=lambda task: self._running[task].index)]

    async def cancel(self) -> list[Sibling]:
        """End all that are running, and give them by their index."""
        running = dict(self._running)
        self._running.clear()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        return sorted(running.values(), key=lambda sibling: sibling.index)


def place_of(visit: Visit, index: int) -> str:
    """What tells a sibling's chain apart: the visit that it belongs to, the attempt, and its own index."""
    return f"{visit.step}.{visit.retry_count or 0}.{index}/"


def abort_state(history: History, sibling: Sibling, cause_id: int) -> None:
    """Write that the state in which a sibling was is aborted, where AWS writes so."""
    if sibling.chain.state_kind in _ABORTABLE:
        history.add(f"{sibling.chain.state_kind}StateAborted", cause_id)
