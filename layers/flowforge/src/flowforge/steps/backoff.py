"""How long to wait before a step is tried again where it is: a task that starts anew costs a minute."""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Exponential, with full jitter: workers that met the same conflict must not meet again.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter". ``tries`` counts the first one.
    """

    tries: int = 5
    first_seconds: float = 2.0
    longest_seconds: float = 30.0

    def waits(self) -> Iterator[float]:
        """Seconds to wait before each try after the first."""
        for number in range(self.tries - 1):
            yield random.uniform(0.0, min(self.longest_seconds, self.first_seconds * 2**number))  # noqa: S311  # no secret
