"""The stack's own log: what its parts report while it runs, in a file of the state folder."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s"


class _UtcFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)


@contextmanager
def stack_log(path: Path) -> Iterator[None]:
    """Write what ``flowforge.local`` logs to a file for as long as the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_UtcFormatter(_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S"))
    logger = logging.getLogger("flowforge.local")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        handler.close()
