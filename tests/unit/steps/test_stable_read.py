"""An object that another run replaces while it is read."""

from typing import Any

import polars as pl
import pytest

from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.model.errors import CommitConflict
from flowforge.steps.stable_read import stable_object


@pytest.fixture
def seen(lake: Lake) -> ObjectVersion:
    """An object as it was first seen."""
    lake.overwrite("a", "1")
    found = lake.head("a")
    assert found is not None
    return found


def test_an_object_that_stays_as_it_was_seen_is_read(lake: Lake, seen: ObjectVersion) -> None:
    with stable_object(lake, seen):
        pass


@pytest.mark.parametrize(
    "change", [lambda lake: lake.overwrite("a", "1"), lambda lake: lake.delete(["a"])], ids=["replaced", "deleted"]
)
def test_an_object_that_is_not_what_was_seen_is_a_conflict_also_with_the_same_content(
    lake: Lake, seen: ObjectVersion, change: Any
) -> None:
    with pytest.raises(CommitConflict, match="a was replaced while it was read"), stable_object(lake, seen):
        change(lake)


@pytest.mark.parametrize(("replaced", "error"), [(False, pl.exceptions.ComputeError), (True, CommitConflict)])
def test_an_error_of_the_engine_is_a_conflict_only_where_the_object_was_replaced(
    lake: Lake, seen: ObjectVersion, replaced: bool, error: type[Exception]
) -> None:
    def read() -> None:
        if replaced:
            lake.overwrite("a", "2")
        raise pl.exceptions.ComputeError("the footer is no footer")

    with pytest.raises(error), stable_object(lake, seen):
        read()
