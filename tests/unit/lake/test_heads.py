import itertools
from datetime import UTC, datetime, timedelta

import pytest

from flowforge.lake.heads import Head, advance_head, read_head
from flowforge.lake.lake import Lake
from flowforge.model.errors import CommitConflict
from s3_faults import answering, just_before

KEY = "silver/shop/orders/_head.json"
DAWN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def head(run: str, hour: int, *, rows: int = 1) -> Head:
    return Head(
        run_id=run, key=f"{run}.parquet", etag=f'"{run}"', rows=rows, contract_version=1, planned_at=DAWN + timedelta(hours=hour)
    )


A, B, C = head("a", 1), head("b", 2), head("c", 2)


@pytest.mark.parametrize(
    "order", list(itertools.permutations([A, B, C])), ids=lambda heads: "".join(item.run_id for item in heads)
)
def test_in_any_order_the_latest_run_is_the_table(lake: Lake, order: tuple[Head, ...]) -> None:
    for item in order:
        advance_head(lake, KEY, item)
    assert read_head(lake, KEY) == C


def test_a_head_never_goes_back(lake: Lake) -> None:
    assert advance_head(lake, KEY, B) == "current"
    assert advance_head(lake, KEY, A) == "superseded"
    assert read_head(lake, KEY) == B


def test_a_head_that_is_set_again_is_the_table_still(lake: Lake) -> None:
    assert advance_head(lake, KEY, A) == "current"
    assert advance_head(lake, KEY, A) == "current"


def test_a_head_that_another_run_sets_meanwhile_is_read_again(lake: Lake) -> None:
    advance_head(lake, KEY, A)
    with just_before(lake, "PutObject", lambda: lake.overwrite(KEY, C.to_json())):
        assert advance_head(lake, KEY, B) == "superseded"
    assert read_head(lake, KEY) == C


def test_a_first_head_that_another_run_sets_meanwhile_is_read_again(lake: Lake) -> None:
    with just_before(lake, "PutObject", lambda: lake.overwrite(KEY, A.to_json())):
        assert advance_head(lake, KEY, B) == "current"
    assert read_head(lake, KEY) == B


def test_a_head_that_is_always_taken_is_a_conflict(lake: Lake) -> None:
    with answering(lake, "PutObject", 412, "PreconditionFailed"), pytest.raises(CommitConflict, match=r"_head.json"):
        advance_head(lake, KEY, A)


def test_before_the_first_run_there_is_no_head(lake: Lake) -> None:
    assert read_head(lake, KEY) is None
