"""Reading what another run may replace at any time: the engine reads an object in pieces and pins no version of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import polars as pl

from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.model.errors import CommitConflict


@contextmanager
def stable_read(name: str, unchanged: Callable[[], bool]) -> Iterator[None]:
    """Raise CommitConflict where the objects are not what they were when the block has read them, also when it failed."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        if unchanged():
            raise
        raise CommitConflict(f"{name} was replaced while it was read", file=name) from error
    if not unchanged():
        raise CommitConflict(f"{name} was replaced while it was read", file=name)


@contextmanager
def stable_object(lake: Lake, seen: ObjectVersion) -> Iterator[None]:
    """Raise CommitConflict where one object is not what was seen before the block."""
    with stable_read(seen.key, lambda: seen.is_same(lake.head(seen.key))):
        yield
