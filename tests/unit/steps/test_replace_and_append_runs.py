"""Runs that replace one table, or append to it: in any order, again, and after a change of the job."""

import itertools
from typing import Any

import pytest

from flowforge.lake import keys
from flowforge.lake.heads import read_head
from flowforge.model.errors import ConfigFault
from flowforge.model.step import SilverCounts, Step, StepResult
from lab import JOB_ID, Lab, Run
from s3_faults import Crash, crashing_at

FILES = {"a": "id,name\n1,one\n2,two\n2,two\n", "b": "id,name\n2,zwei\n3,drei\n", "c": "id,name\n4,vier\n"}
ORDERS = ["abc", "bca", "cba"]
CURRENT = keys.silver_current_key("shop", "orders")
GOLD_HEAD = keys.gold_head_key("analytics", "orders")


@pytest.fixture
def replacing(lab: Lab) -> Lab:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "replace"}
    return lab


@pytest.fixture
def appending(lab: Lab) -> Lab:
    lab.silver = {"mergeStrategy": "append"}
    return lab


def planned(lab: Lab) -> dict[str, Run]:
    """Runs an hour apart, in the order of their names, whatever the order in which they are run later."""
    return {name: lab.ingest(content, name=f"{name}.csv") for name, content in FILES.items()}


def rows_of(lab: Lab) -> list[tuple[Any, ...]]:
    return sorted(lab.silver_table().select("id", "name", "_source_file", "_row_number").rows())


def published(lab: Lab) -> list[tuple[Any, ...]]:
    """What a reader of Gold sees."""
    head = read_head(lab.lake, GOLD_HEAD)
    assert head is not None
    return sorted(lab.frame(head.key).select("id", "name", "_source_file", "_row_number").rows())


def counts_of(result: StepResult) -> dict[str, int]:
    """The counts of the table that are not zero."""
    assert isinstance(result.counts, SilverCounts)
    table = {"inserted", "updated", "unchanged", "stale", "deleted", "before", "after"}
    return {name: count for name, count in result.counts.model_dump(include=table).items() if count}


def forget(lab: Lab, run: Run) -> None:
    """Lose the run's result, so that the step really runs again."""
    lab.lake.delete([keys.result_key(run.execution_id, JOB_ID, Step.SILVER_TRANSFORM)])


@pytest.mark.parametrize("order", ORDERS)
def test_runs_that_replace_in_any_order_leave_the_rows_of_the_run_that_was_planned_last(replacing: Lab, order: str) -> None:
    runs = planned(replacing)
    for name in order:
        runs[name].gold()
    assert rows_of(replacing) == [(4, "vier", "c.csv", 1)]
    assert published(replacing) == rows_of(replacing)


def test_a_replacement_counts_what_it_removed_and_keeps_it_in_the_archive(replacing: Lab) -> None:
    runs = planned(replacing)
    assert counts_of(runs["a"].silver()) == {"inserted": 2, "after": 2}
    assert counts_of(runs["b"].silver()) == {"inserted": 2, "deleted": 2, "before": 2, "after": 2}
    archived = replacing.frame(keys.silver_archive_key("shop", "orders", runs["a"].silver().run_id))
    assert sorted(archived["name"]) == ["one", "two"]


def test_a_replacement_that_comes_late_is_stale_and_changes_nothing(replacing: Lab) -> None:
    runs = planned(replacing)
    runs["b"].silver()
    before = replacing.lake.head(CURRENT)
    late = runs["a"].silver()
    assert counts_of(late) == {"stale": 2, "before": 2, "after": 2}
    assert (late.head, late.outputs[0].key, late.outputs[0].rows) == ("superseded", CURRENT, 2)
    assert before is not None
    assert before.is_same(replacing.lake.head(CURRENT))
    assert replacing.keys_below("silver/shop/orders/archive/") == []


def test_a_replacement_that_is_applied_again_changes_nothing(replacing: Lab) -> None:
    runs = planned(replacing)
    runs["a"].silver()
    runs["b"].silver()
    before = replacing.lake.head(CURRENT)
    forget(replacing, runs["a"])
    assert counts_of(runs["a"].silver()) == {"stale": 2, "before": 2, "after": 2}
    assert before is not None
    assert before.is_same(replacing.lake.head(CURRENT))


def test_a_replacement_may_have_other_types_and_other_names(replacing: Lab) -> None:
    replacing.ingest("id,name\n1,5\n").silver()
    replacing.job = {
        "transformationConfig": {"columnMappings": [{"sourceColumn": "name", "targetColumn": "label", "dataType": "text"}]}
    }
    replacing.ingest("id,name\n2,x\n").silver()
    assert replacing.silver_table().select("id", "label").rows() == [(2, "x")]


def test_a_file_without_rows_empties_a_table_that_is_replaced(replacing: Lab) -> None:
    replacing.ingest(FILES["a"]).silver()
    emptied = replacing.ingest("id,name\n").gold()
    assert replacing.silver_table().height == 0
    assert (emptied.counts.read, published(replacing)) == (0, [])


@pytest.mark.parametrize("order", ORDERS)
def test_runs_that_append_in_any_order_leave_every_row_of_every_run(appending: Lab, order: str) -> None:
    runs = planned(appending)
    for name in order:
        runs[name].gold()
    everything = [
        (1, "one", "a.csv", 1),
        (2, "two", "a.csv", 2),
        (2, "two", "a.csv", 3),
        (2, "zwei", "b.csv", 1),
        (3, "drei", "b.csv", 2),
        (4, "vier", "c.csv", 1),
    ]
    assert rows_of(appending) == everything
    assert published(appending) == everything


def test_equal_rows_of_a_run_stay_without_a_key_and_the_last_of_a_key_with_one(appending: Lab) -> None:
    assert counts_of(appending.ingest(FILES["a"]).silver()) == {"inserted": 3, "after": 3}
    appending.silver = {"mergeStrategy": "append", "primaryKey": "id"}
    assert counts_of(appending.ingest(FILES["a"]).silver()) == {"inserted": 2, "before": 3, "after": 5}


def test_an_appending_run_that_dies_after_its_publish_adds_its_rows_once(appending: Lab) -> None:
    runs = planned(appending)
    runs["a"].silver()
    runs["b"].bronze()
    # What it will answer, the three requests of the publish; it dies before it stores its result.
    with crashing_at(appending.lake, 5, answered=False), pytest.raises(Crash):
        runs["b"].step(Step.SILVER_TRANSFORM)
    assert counts_of(runs["b"].silver()) == {"inserted": 2, "before": 3, "after": 5}
    assert len(rows_of(appending)) == 5


def test_a_column_that_gets_its_type_later_keeps_the_rows_that_were_appended_before(appending: Lab) -> None:
    appending.ingest("id,later\n1,\n").silver()
    result = appending.ingest("id,later\n2,5\n").gold()
    assert result.counts.read == 2
    head = read_head(appending.lake, GOLD_HEAD)
    assert head is not None
    assert sorted(appending.frame(head.key).select("id", "later").rows()) == [(1, None), (2, 5)]


def test_a_type_that_would_lose_values_that_were_appended_before_publishes_nothing(appending: Lab) -> None:
    appending.ingest("id,price\n1,1.55\n").silver()
    before = appending.keys_below("silver/")
    appending.job = {"transformationConfig": {"columnMappings": [{"sourceColumn": "price", "dataType": "integer"}]}}
    with pytest.raises(ConfigFault, match="price is integer now, and 1 of its values"):
        appending.ingest("id,price\n3,3\n").silver()
    assert appending.keys_below("silver/") == before


@pytest.mark.parametrize(("first", "then"), list(itertools.permutations(["versioned", "merge", "replace", "append"], 2)))
def test_a_changed_strategy_needs_a_rebuild(lab: Lab, first: str, then: str) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": first}
    lab.ingest(FILES["a"]).silver()
    before = lab.keys_below("silver/")
    lab.silver = {"primaryKey": "id", "mergeStrategy": then}
    with pytest.raises(ConfigFault, match=f"mergeStrategy is {then}, and the table was written by {first}") as caught:
        lab.ingest(FILES["b"]).silver()
    assert caught.value.option == "silverConfig.mergeStrategy"
    assert lab.keys_below("silver/") == before
