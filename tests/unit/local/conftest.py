"""What the tests of the local stack share: waiting with a deadline, and a guardian that ends what a test starts."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from flowforge.local.reaper import Reaper

Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture
def eventually() -> Eventually:
    """Waits until something holds, ten seconds at most."""

    def wait(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        pause = threading.Event()
        while not holds():
            assert time.monotonic() < deadline, "it did not happen within ten seconds"
            pause.wait(0.01)

    return wait


@pytest.fixture
def reaper() -> Iterator[Reaper]:
    guardian = Reaper()
    yield guardian
    guardian.close()
