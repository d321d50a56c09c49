"""Rows of a quarantine that go through again stand where they stood when they first arrived."""

from typing import Any

import pytest

from flowforge.lake import keys
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.replay import ReplayedRow
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import SilverCounts, Step, StepResult
from lab import JOB_ID, Lab

FIRST = "id,amount\n1,10\n2,x\n3,y\n2,20\n"
SECOND = "id,amount\n3,33\n"
MAPPINGS = {"transformationConfig": {"columnMappings": [{"sourceColumn": "amount", "dataType": "decimal(8,2)"}]}}


def quarantined(lab: Lab, strategy: str, *, second: bool = True) -> str:
    """A run that leaves two rows in quarantine, and a second one after it; the quarantine's key."""
    lab.job = MAPPINGS
    lab.silver = {"primaryKey": "id", "mergeStrategy": strategy}
    lab.ingest(FIRST, name="1.csv", hours=1).silver()
    if second:
        lab.ingest(SECOND, name="2.csv", hours=2).silver()
    [key] = lab.keys_below("quarantine/")
    return key


def fixed(number: int, amount: str | None) -> ReplayedRow:
    return ReplayedRow(number=number, values={"amount": amount})


def table(lab: Lab, *columns: str) -> list[tuple[Any, ...]]:
    shown = lab.silver_table().select("id", "amount", "_source_file", "_row_number", *columns)
    return sorted((number, int(amount), *rest) for number, amount, *rest in shown.rows())


def counts_of(result: StepResult) -> dict[str, int | None]:
    assert isinstance(result.counts, SilverCounts)
    return {name: value for name, value in result.counts.model_dump().items() if value and name not in ("before", "after")}


def test_a_fixed_row_wins_over_an_older_one_and_not_over_a_newer_one(lab: Lab) -> None:
    key = quarantined(lab, "merge")
    # Row 2 of the file came before row 4 of the same key, and id 3 came again in the second run.
    result = lab.replay(key, fixed(1, "22"), fixed(2, "30"), hours=3).silver()
    assert counts_of(result) == {"read": 2, "accepted": 2, "stale": 2}
    assert table(lab) == [(1, 10, "1.csv", 1), (2, 20, "1.csv", 4), (3, 33, "2.csv", 1)]


def test_what_is_replayed_twice_changes_nothing(lab: Lab) -> None:
    key = quarantined(lab, "append")
    first = lab.replay(key, fixed(1, "22"), hours=3)
    assert counts_of(first.silver()) == {"read": 1, "accepted": 1, "inserted": 1}
    rows = table(lab)
    assert (2, 22, "1.csv", 2) in rows
    assert lab.replay(key, fixed(1, "22"), hours=3).execution_id == first.execution_id
    again = lab.replay(key, fixed(1, "22"), fixed(2, "31"), hours=4).silver()
    assert counts_of(again) == {"read": 2, "accepted": 2, "inserted": 1, "unchanged": 1}
    assert table(lab) == sorted([*rows, (3, 31, "1.csv", 3)])


def test_a_row_that_still_does_not_fit_is_in_quarantine_again(lab: Lab) -> None:
    key = quarantined(lab, "merge", second=False)
    result = lab.replay(key, fixed(1, "z"), ReplayedRow(number=2), hours=3).silver()
    output = result.output("quarantine")
    assert output is not None
    assert lab.frame(output.key).select("id", "amount", "_source_file", "_row_number", "_reason").rows() == [
        ("2", "z", "1.csv", 2, "amount: 'z' is no decimal(8,2)"),
        ("3", "y", "1.csv", 3, "amount: 'y' is no decimal(8,2)"),
    ]


def test_a_history_gets_the_version_that_was_missing(lab: Lab) -> None:
    key = quarantined(lab, "scd_type_2")
    lab.replay(key, fixed(2, "30"), hours=3).silver()
    assert table(lab, "_is_current") == [
        (1, 10, "1.csv", 1, True),
        (2, 20, "1.csv", 4, True),
        (3, 30, "1.csv", 3, False),
        (3, 33, "2.csv", 1, True),
    ]


@pytest.mark.parametrize("strategy", ["versioned", "replace"])
def test_a_table_that_shows_one_run_takes_rows_of_that_run_only(lab: Lab, strategy: str) -> None:
    key = quarantined(lab, strategy, second=False)
    assert counts_of(lab.replay(key, fixed(2, "30"), hours=3).silver()) == {"read": 1, "accepted": 1, "inserted": 1}
    second = lab.replay(key, fixed(1, "22"), fixed(2, "31"), hours=4)
    assert counts_of(second.silver()) == {"read": 2, "accepted": 2, "updated": 1, "stale": 1}
    assert table(lab) == [(1, 10, "1.csv", 1), (2, 20, "1.csv", 4), (3, 31, "1.csv", 3)]
    assert second.step(Step.GOLD_PUBLISH).counts.read == 3
    # A run that was planned after the first one, and before the replays, is the table from now on.
    lab.ingest(SECOND, name="2.csv", hours=2).gold()
    assert table(lab) == [(3, 33, "2.csv", 1)]
    stale = lab.replay(key, fixed(2, "32"), hours=5)
    assert counts_of(stale.silver()) == {"read": 1, "accepted": 1, "stale": 1}
    assert table(lab) == [(3, 33, "2.csv", 1)]
    assert stale.step(Step.GOLD_PUBLISH).counts.read == 1


@pytest.mark.parametrize("strategy", [MergeStrategy.MERGE, MergeStrategy.APPEND])
def test_a_rebuild_has_the_rows_that_were_replayed(lab: Lab, strategy: MergeStrategy) -> None:
    key = quarantined(lab, strategy.value)
    lab.replay(key, fixed(1, "19"), fixed(2, "30"), hours=3).silver()
    before = table(lab)
    lab.rebuild(hours=4).silver()
    assert table(lab) == before


def test_a_row_or_a_column_that_is_not_there_is_named(lab: Lab) -> None:
    key = quarantined(lab, "merge", second=False)
    with pytest.raises(ConfigFault, match="has no row 7"):
        lab.replay(key, fixed(1, "2"), fixed(7, "3")).bronze()
    with pytest.raises(ConfigFault, match=r"the fix names the column .amuont., which .* does not have; it has id, amount"):
        lab.replay(key, ReplayedRow(number=1, values={"amuont": "2"})).bronze()
    replay = lab.replay(key, fixed(1, "2"))
    lab.lake.delete([key])
    with pytest.raises(DataFault, match="was removed or replaced since its rows were chosen"):
        replay.bronze()


def test_records_that_could_not_be_read_are_not_replayed_and_do_no_harm_to_a_rebuild(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge"}
    lab.job = {"sourceConfig": {"fileConfig": {"onMalformedRow": "quarantine"}}}
    lab.ingest("id,amount\n1,2\n2\n").silver()
    [key] = lab.keys_below("quarantine/")
    with pytest.raises(ConfigFault, match=r"holds records that could not be read.*mend them in their file"):
        lab.replay(key, fixed(1, "2"), hours=1).bronze()
    before = table(lab)
    lab.rebuild(hours=2).silver()
    assert table(lab) == before


def test_a_replay_is_stored_as_a_run_with_its_own_bronze(lab: Lab) -> None:
    key = quarantined(lab, "merge", second=False)
    replay = lab.replay(key, fixed(1, "22"), hours=3)
    replay.bronze()
    bronze = lab.lake.read(keys.result_key(replay.execution_id, JOB_ID, Step.BRONZE_INGEST))
    assert bronze is not None
    stored = StepResult.model_validate_json(bronze[0])
    [output] = stored.outputs
    assert lab.frame(output.key).select("id", "amount", "_source_file", "_row_number").rows() == [("2", "22", "1.csv", 2)]
