import errno
from collections.abc import Callable

import polars as pl
import pytest

from flowforge.model.errors import CommitConflict, DataFault, FlowForgeError, NextTier, RetryLater
from flowforge.steps.engine_errors import engine_errors


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), NextTier),
        (OSError(errno.ENOSPC, "No space left on device"), NextTier),
        (OSError("No space left on device (os error 28)"), NextTier),
        (OSError("Cannot allocate memory (os error 12)"), NextTier),
        (pl.exceptions.ComputeError("parquet: underlying IO error: No space left on device (os error 28)"), NextTier),
        (pl.exceptions.ComputeError("could not parse `(os error 28)` as dtype `i64`"), DataFault),
        (ConnectionRefusedError("object-store error: Generic S3 error"), RetryLater),
        (OSError(errno.EIO, "broken"), RetryLater),
        (pl.exceptions.ComputeError("object-store error: Generic S3 error: timed out"), RetryLater),
        (pl.exceptions.ComputeError("could not parse `x` as dtype `i64`"), DataFault),
        (pl.exceptions.ComputeError("could not parse `connection timed out` as dtype `i64`"), DataFault),
        (pl.exceptions.ColumnNotFoundError("connection"), DataFault),
        (pl.exceptions.InvalidOperationError("overflow"), DataFault),
        (pl.exceptions.PanicException("range end index 9 out of range"), DataFault),
    ],
)
def test_a_failure_of_the_engine_is_told_by_what_to_do_about_it(error: BaseException, kind: type[FlowForgeError]) -> None:
    with (
        pytest.raises(FlowForgeError, match=r"^orders.csv could not be read: ") as caught,
        engine_errors("orders.csv could not be read"),
    ):
        raise error
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("sink", [pl.LazyFrame.sink_csv, pl.LazyFrame.sink_parquet])
def test_a_full_disk_is_told_from_what_the_engine_says_of_it(sink: Callable[[pl.LazyFrame, str], object]) -> None:
    with pytest.raises(NextTier, match=r"^orders.csv: /tmp is full$"), engine_errors("orders.csv"):
        sink(pl.LazyFrame({"amount": range(100_000)}), "/dev/full")


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
