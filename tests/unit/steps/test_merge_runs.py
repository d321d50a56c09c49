"""Runs that merge into one table: in any order, again, and after a change of the job."""

import csv
import hashlib
import io
from functools import partial
from typing import Any

import polars as pl
import pytest

from flowforge.lake import keys
from flowforge.model.errors import CommitConflict, ConfigFault
from flowforge.model.step import SilverCounts, Step, StepResult
from lab import Lab, Run
from s3_faults import Crash, crashing_at, each_time_before, just_before

FILES = {
    "a": (1, "id,name\n1,one\n2,two\n3,three\n"),
    "b": (2, "id,name\n2,zwei\n3,three\n4,vier\n"),
    "c": (3, "id,name\n1,un\n5,cinq\n5,cinq encore\n"),
    "d": (4, "id,name\n6,seis\n"),
    "e": (5, "id,name\n4,quattro\n7,sette\n"),
}
CURRENT = "silver/shop/orders/current/shop_orders_current.parquet"


@pytest.fixture
def merging(lab: Lab) -> Lab:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge"}
    return lab


def planned(lab: Lab, *names: str) -> dict[str, Run]:
    """Runs in the order of their files' names, whatever the order in which they are run later."""
    return {name: lab.ingest(FILES[name][1], name=f"{name}.csv", hours=FILES[name][0]) for name in names}


def table(lab: Lab) -> list[tuple[Any, ...]]:
    return sorted(lab.silver_table().select("id", "name", "_source_file", "_row_number", "_run_id").rows())


def latest(names: str) -> list[tuple[int, str, str, int]]:
    """By the csv module: per key the last row of the latest file."""
    rows: dict[int, tuple[int, str, str, int]] = {}
    for name in sorted(names):
        for number, row in enumerate(csv.DictReader(io.StringIO(FILES[name][1])), start=1):
            rows[int(row["id"])] = (int(row["id"]), row["name"], f"{name}.csv", number)
    return sorted(rows.values())


def counts_of(result: StepResult) -> dict[str, int]:
    assert isinstance(result.counts, SilverCounts)
    return result.counts.model_dump(include={"inserted", "updated", "unchanged", "stale", "before", "after"})


@pytest.mark.parametrize("order", ["acb", "bca", "cba"])
def test_runs_in_any_order_leave_the_latest_row_of_each_key(merging: Lab, order: str) -> None:
    runs = planned(merging, "a", "b", "c")
    for name in order:
        runs[name].silver()
    assert [row[:4] for row in table(merging)] == latest("abc")


def test_the_rows_of_a_run_are_counted_by_what_they_did(merging: Lab) -> None:
    runs = planned(merging, "a", "b")
    assert counts_of(runs["a"].silver()) == {"inserted": 3, "updated": 0, "unchanged": 0, "stale": 0, "before": 0, "after": 3}
    assert counts_of(runs["b"].silver()) == {"inserted": 1, "updated": 1, "unchanged": 1, "stale": 0, "before": 3, "after": 4}


def test_a_run_that_comes_late_is_stale_where_a_later_one_was_first(merging: Lab) -> None:
    runs = planned(merging, "a", "b")
    runs["b"].silver()
    assert counts_of(runs["a"].silver()) == {"inserted": 1, "updated": 0, "unchanged": 0, "stale": 2, "before": 3, "after": 4}


def test_a_run_that_is_applied_again_leaves_identical_rows(merging: Lab) -> None:
    runs = planned(merging, "a", "b")
    runs["a"].silver()
    runs["b"].silver()
    before = merging.lake.head(CURRENT)
    runs["a"].silver()
    assert before is not None
    assert before.is_same(merging.lake.head(CURRENT))
    # Also where its result was lost, so that the step really runs again.
    rows = table(merging)
    merging.lake.delete([keys.result_key(runs["a"].execution_id, "job_orders", Step.SILVER_TRANSFORM)])
    runs["a"].silver()
    assert table(merging) == rows


def test_the_same_file_in_a_new_run_changes_no_value(merging: Lab) -> None:
    merging.ingest(FILES["a"][1]).silver()
    again = merging.ingest(FILES["a"][1]).silver()
    assert counts_of(again) == {"inserted": 0, "updated": 0, "unchanged": 3, "stale": 0, "before": 3, "after": 3}
    assert set(merging.silver_table()["_run_id"]) == {again.run_id}


def test_a_run_that_dies_after_its_publish_and_comes_back_after_another_answers_its_own_counts(merging: Lab) -> None:
    runs = planned(merging, "a", "b")
    runs["a"].bronze()
    # The contract, what it will answer, the three requests of the publish; it dies before it stores its result.
    with crashing_at(merging.lake, 6, answered=False), pytest.raises(Crash):
        runs["a"].step(Step.SILVER_TRANSFORM)
    assert merging.lake.head(CURRENT) is not None
    runs["b"].silver()
    rows = table(merging)
    result = runs["a"].silver()
    assert counts_of(result) == {"inserted": 3, "updated": 0, "unchanged": 0, "stale": 0, "before": 0, "after": 3}
    assert table(merging) == rows


@pytest.mark.parametrize(
    ("operation", "key", "nth"),
    [("HeadObject", CURRENT, 3), ("CreateMultipartUpload", CURRENT, 1), ("CompleteMultipartUpload", CURRENT, 1)],
    ids=["before it was read through", "before the publish", "before the last request"],
)
def test_a_table_that_another_run_replaces_meanwhile_is_merged_again(merging: Lab, operation: str, key: str, nth: int) -> None:
    runs = planned(merging, "a", "b", "c")
    runs["a"].silver()
    runs["b"].bronze()
    runs["c"].bronze()
    another = partial(runs["c"].step, Step.SILVER_TRANSFORM)
    with just_before(merging.lake, operation, another, key=key, nth=nth):
        result = runs["b"].step(Step.SILVER_TRANSFORM)
    # Of b's keys 2 and 3 stood in the table as the first run left them, and 4 is new, before and after c.
    assert counts_of(result) == {"inserted": 1, "updated": 1, "unchanged": 1, "stale": 0, "before": 4, "after": 5}
    assert [row[:4] for row in table(merging)] == latest("abc")


def test_a_table_that_other_runs_replace_at_each_try_is_a_conflict(merging: Lab) -> None:
    runs = planned(merging, "a", "b", "c", "d", "e")
    runs["a"].silver()
    for name in "bcde":
        runs[name].bronze()
    others = iter("cde")
    with (
        each_time_before(
            merging.lake, "CompleteMultipartUpload", lambda: runs[next(others)].step(Step.SILVER_TRANSFORM), key=CURRENT
        ),
        pytest.raises(CommitConflict),
    ):
        runs["b"].step(Step.SILVER_TRANSFORM)
    assert list(others) == []
    assert [row[:4] for row in table(merging)] == latest("acde")
    runs["b"].step(Step.SILVER_TRANSFORM)
    assert [row[:4] for row in table(merging)] == latest("abcde")


def test_an_archived_table_is_never_overwritten(merging: Lab) -> None:
    runs = planned(merging, "a", "b", "c")
    results = {name: runs[name].silver() for name in "abc"}
    archived = sorted(key.rpartition("/")[2] for key in merging.keys_below("silver/shop/orders/archive/"))
    assert archived == sorted(f"{results[name].run_id}.parquet" for name in "ab")
    assert merging.frame(keys.silver_archive_key("shop", "orders", results["a"].run_id)).height == 3


def test_a_column_that_gets_its_type_later_keeps_the_old_rows(merging: Lab) -> None:
    merging.ingest("id,later\n1,\n2,\n").silver()
    merging.ingest("id,later\n2,5\n").silver()
    assert sorted(merging.silver_table().select("id", "later").rows()) == [(1, None), (2, 5)]


def test_a_table_that_began_without_rows_takes_rows(merging: Lab) -> None:
    merging.ingest("id,name\n").silver()
    merging.ingest("id,name\n1,x\n").silver()
    merging.ingest("id,name\n").silver()
    assert merging.silver_table().select("id", "name").rows() == [(1, "x")]


def test_a_changed_primary_key_needs_a_rebuild(merging: Lab) -> None:
    merging.ingest("id,name\n1,x\n").silver()
    before = merging.lake.head(CURRENT)
    merging.silver = {"primaryKey": ["id", "name"], "mergeStrategy": "merge"}
    with pytest.raises(ConfigFault, match="primaryKey is id, name, and the table was merged by id") as caught:
        merging.ingest("id,name\n1,x\n").silver()
    assert caught.value.option == "silverConfig.primaryKey"
    assert before is not None
    assert before.is_same(merging.lake.head(CURRENT))


def test_a_renamed_column_needs_a_rebuild(merging: Lab) -> None:
    merging.ingest("id,name\n1,x\n").silver()
    merging.job = {"transformationConfig": {"columnMappings": [{"sourceColumn": "name", "targetColumn": "label"}]}}
    with pytest.raises(ConfigFault, match="needs a rebuild"):
        merging.ingest("id,name\n1,x\n").silver()


def test_a_type_that_would_lose_values_of_the_table_needs_a_rebuild(merging: Lab) -> None:
    merging.ingest("id,price\n1,1.55\n2,2\n").silver()
    before = merging.lake.head(CURRENT)
    merging.job = {"transformationConfig": {"columnMappings": [{"sourceColumn": "price", "dataType": "integer"}]}}
    with pytest.raises(ConfigFault, match="price is integer now, and 1 of its values"):
        merging.ingest("id,price\n3,3\n").silver()
    assert before is not None
    assert before.is_same(merging.lake.head(CURRENT))


def test_a_type_that_holds_all_values_of_the_table_is_taken(merging: Lab) -> None:
    merging.ingest("id,price\n1,1.5\n").silver()
    merging.job = {"transformationConfig": {"columnMappings": [{"sourceColumn": "price", "dataType": "text"}]}}
    merging.ingest("id,price\n2,n/a\n").silver()
    assert sorted(merging.silver_table().select("id", "price").rows()) == [(1, "1.5"), (2, "n/a")]


def test_a_table_that_something_else_replaced_meanwhile_is_merged_into_and_archived_too(merging: Lab) -> None:
    runs = planned(merging, "a", "b")
    runs["a"].silver()
    runs["b"].bronze()
    stored = merging.lake.read(CURRENT)
    assert stored is not None
    foreign = io.BytesIO()
    pl.read_parquet(io.BytesIO(stored[0])).head(2).write_parquet(
        foreign, metadata=pl.read_parquet_metadata(io.BytesIO(stored[0]))
    )
    put = partial(merging.lake.client.put_object, Bucket=merging.lake.bucket, Key=CURRENT, Body=foreign.getvalue())
    with just_before(merging.lake, "CompleteMultipartUpload", put, key=CURRENT):
        runs["b"].step(Step.SILVER_TRANSFORM)
    assert [row[0] for row in table(merging)] == [1, 2, 3, 4]
    etag = hashlib.md5(foreign.getvalue(), usedforsecurity=False).hexdigest()
    assert merging.frame(keys.silver_archive_key("shop", "orders", f"etag-{etag}")).height == 2
