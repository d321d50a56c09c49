"""What a failure of the engine means, by what to do about it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from flowforge.model.errors import DataFault, FlowForgeError, NextTier, RetryLater

SHOWN_CHARACTERS = 300
"""A message of the engine can quote a whole cell, which may be megabytes long."""
SERVICE_WORDS = ("object-store error", "Generic S3 error", "error sending request")
"""No everyday words: a message of the engine can quote a cell or a column."""


@contextmanager
def engine_errors(what: str) -> Iterator[None]:
    """Turn the engine's exceptions into the tree of errors; ``what`` says what was being done to which file."""
    try:
        yield
    except FlowForgeError:
        raise
    except MemoryError as error:
        raise NextTier(f"{what}: memory ran out") from error
    except pl.exceptions.PanicException as error:
        # The engine gives up like this on some damaged files; it would do so again, on any machine.
        raise DataFault(f"{what}: the engine gave up: {_shown(error)}") from error
    except (OSError, pl.exceptions.PolarsError) as error:
        if _is_of_system(error, errno.ENOSPC):
            raise NextTier(f"{what}: /tmp is full") from error
        if _is_of_system(error, errno.ENOMEM):
            raise NextTier(f"{what}: memory ran out") from error
        if isinstance(error, OSError) or any(word in str(error) for word in SERVICE_WORDS):
            raise RetryLater(f"{what}: {_shown(error)}") from error
        raise DataFault(f"{what}: {_shown(error)}") from error


def _is_of_system(error: Exception, number: int) -> bool:
    """Whether an error is the operating system's of that number.

    The engine sets no ``errno`` and wraps some in errors of its own; it ends the message with the number, before the
    context in which that happened.
    """
    return getattr(error, "errno", None) == number or str(error).partition("\n\n")[0].endswith(f"(os error {number})")


def _shown(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
