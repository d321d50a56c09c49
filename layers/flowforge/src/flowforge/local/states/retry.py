"""Which retrier or catcher takes a failure, and how long to wait before the next attempt."""

import random
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from flowforge.local.states.definition import Catcher, Retrier
from flowforge.local.states.errors import ALL, TASK_FAILED, TIMEOUT, Handling, StateError

Entry = TypeVar("Entry", Retrier, Catcher)


def first_match(entries: Iterable[Entry], failure: StateError) -> tuple[int, Entry] | None:
    """The first entry that takes a failure, with its index."""
    for index, entry in enumerate(entries):
        if any(_takes(name, failure) for name in entry.error_equals):
            return index, entry
    return None


def _takes(name: str, failure: StateError) -> bool:
    if failure.handling is Handling.NONE:
        return False
    if name == failure.error:
        return True
    if failure.handling is Handling.NAMED:
        return False
    return name == ALL or (name == TASK_FAILED and failure.error != TIMEOUT)


class RetryCounters:
    """The attempts of one visit to a state: every retrier counts its own."""

    def __init__(self, retriers: Sequence[Retrier], random_number: Callable[[], float] = random.random) -> None:
        self._retriers = retriers
        self._used = [0] * len(retriers)
        self._random = random_number

    def next_delay(self, failure: StateError) -> tuple[int, float] | None:
        """The retrier that takes a failure and the seconds to wait; None where the state has failed for good."""
        found = first_match(self._retriers, failure)
        if found is None:
            return None
        index, retrier = found
        if self._used[index] >= retrier.max_attempts:
            return None
        delay = retrier.interval_seconds * retrier.backoff_rate ** self._used[index]
        if retrier.max_delay_seconds is not None:
            delay = min(delay, retrier.max_delay_seconds)
        self._used[index] += 1
        # Full jitter: any moment up to the delay.
        return index, delay * self._random() if retrier.full_jitter else delay
