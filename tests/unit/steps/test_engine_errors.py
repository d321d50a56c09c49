import errno

import polars as pl
import pytest

from flowforge.model.errors import CommitConflict, DataFault, FlowForgeError, NextTier, RetryLater
from flowforge.steps.engine_errors import engine_errors


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), NextTier),
        (OSError(errno.ENOSPC, "No space left on device"), NextTier),
        (ConnectionRefusedError("object-store error: Generic S3 error"), RetryLater),
        (OSError(errno.EIO, "broken"), RetryLater),
        (pl.exceptions.ComputeError("object-store error: Generic S3 error: timed out"), RetryLater),
        (pl.exceptions.ComputeError("could not parse `x` as dtype `i64`"), DataFault),
        (pl.exceptions.ComputeError("could not parse `connection timed out` as dtype `i64`"), DataFault),
        (pl.exceptions.ColumnNotFoundError("connection"), DataFault),
        (pl.exceptions.InvalidOperationError("overflow"), DataFault),
    ],
)
def test_a_failure_of_the_engine_is_told_by_what_to_do_about_it(error: Exception, kind: type[FlowForgeError]) -> None:
    with (
        pytest.raises(FlowForgeError, match=r"^orders.csv could not be read: ") as caught,
        engine_errors("orders.csv could not be read"),
    ):
        raise error
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error


def test_an_error_of_the_tree_passes_as_it_is() -> None:
    conflict = CommitConflict("x")
    with pytest.raises(CommitConflict) as caught, engine_errors("y"):
        raise conflict
    assert caught.value is conflict


def test_a_mistake_of_ours_is_not_disguised() -> None:
    with pytest.raises(KeyError), engine_errors("y"):
        raise KeyError("x")


def test_a_message_that_quotes_a_whole_cell_is_cut() -> None:
    with pytest.raises(DataFault) as caught, engine_errors("orders.csv"):
        raise pl.exceptions.ComputeError("x" * 1_000_000)
    assert len(str(caught.value)) < 400
