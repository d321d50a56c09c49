"""A rebuild leaves what the runs would have left, had each run in its order under the job as it is now."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from flowforge.lake import keys
from flowforge.lake.heads import read_head
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import SilverCounts, Step
from lab import Lab, cloned
from s3_faults import just_before

FILES = (
    "id,line,amount\n1,1,10\n1,2,20\n2,1,30\n2,1,31\n",
    "id,line,amount\n1,1,11\n3,1,x\n3,2,50\n",
    "id,line,amount\n2,1,\n3,2,50\n4,1,60\n",
)
MAPPINGS = {"transformationConfig": {"columnMappings": [{"sourceColumn": "amount", "dataType": "decimal(8,2)"}]}}
BY_STRATEGY: dict[MergeStrategy, dict[str, Any]] = {
    MergeStrategy.VERSIONED: {},
    MergeStrategy.MERGE: {"updateStrategy": "update_changed", "surrogateKeyStrategy": "auto_increment"},
    MergeStrategy.REPLACE: {},
    MergeStrategy.APPEND: {},
    MergeStrategy.SCD_TYPE_2: {"scdTrackDeletes": True, "surrogateKeyStrategy": "auto_increment"},
}


def configured(lab: Lab, strategy: MergeStrategy) -> Lab:
    lab.silver = {"primaryKey": ["id", "line"], "mergeStrategy": strategy.value, **BY_STRATEGY[strategy]}
    lab.job = MAPPINGS
    return lab


def all_runs(lab: Lab) -> Lab:
    for number, content in enumerate(FILES, start=1):
        lab.ingest(content, name=f"{number}.csv", hours=number).silver()
    return lab


def rows_of(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(frame.drop("_run_id").rows(), key=str)


@pytest.mark.parametrize("strategy", MergeStrategy)
def test_a_changed_strategy_key_and_type_give_what_all_runs_give_under_them(lab: Lab, strategy: MergeStrategy) -> None:
    other = Lab(cloned(lab.lake, "other"))
    expected = all_runs(configured(other, strategy)).silver_table()
    before = MergeStrategy.APPEND if strategy is MergeStrategy.VERSIONED else MergeStrategy.VERSIONED
    lab.silver = {"primaryKey": "id", "mergeStrategy": before.value}
    for number, content in enumerate(FILES, start=1):
        run = lab.ingest(content, name=f"{number}.csv", hours=number)
        # Of the last run Silver is there too: another strategy's, with other types.
        run.bronze() if number < len(FILES) else run.gold()
    configured(lab, strategy)
    gold = lab.rebuild(hours=9).gold()
    assert rows_of(lab.silver_table()) == rows_of(expected)
    assert lab.silver_table().schema == expected.schema
    assert (gold.head, gold.counts.read) == ("current", expected.height)


def test_the_next_run_goes_on_from_a_rebuilt_table(lab: Lab) -> None:
    all_runs(configured(lab, MergeStrategy.APPEND))
    other = replace(lab, lake=cloned(lab.lake, "other"))
    lab.rebuild(hours=9).silver()
    for each in (lab, other):
        each.ingest("id,line,amount\n9,1,90\n1,1,12\n", name="4.csv", hours=10).gold()
    assert rows_of(lab.silver_table()) == rows_of(other.silver_table())
    head = read_head(lab.lake, keys.gold_head_key("analytics", "orders"))
    assert head is not None
    assert head.rows == other.silver_table().height


def test_a_rebuild_counts_every_row_and_keeps_the_table_that_was(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge"}
    lab.job = MAPPINGS
    all_runs(lab)
    old = lab.silver_table()
    lab.silver = {"primaryKey": ["id", "line"], "mergeStrategy": "merge"}
    result = lab.rebuild(hours=9).silver()
    assert result.counts == SilverCounts(
        read=10,
        accepted=8,
        duplicates=1,
        quarantined=1,
        inserted=5,
        updated=0,
        unchanged=0,
        stale=3,
        deleted=4,
        before=4,
        after=5,
    )
    archived = [lab.frame(key) for key in lab.keys_below("silver/shop/orders/archive/")]
    assert any(frame.equals(old) for frame in archived)


def test_a_rebuild_that_is_asked_for_again_changes_nothing(lab: Lab) -> None:
    all_runs(configured(lab, MergeStrategy.SCD_TYPE_2))
    run = lab.rebuild(hours=9)
    run.silver()
    table = lab.silver_table()
    lab.lake.delete([keys.result_key(run.execution_id, "job_orders", Step.SILVER_TRANSFORM)])
    run.silver()
    assert lab.silver_table().equals(table)
    lab.rebuild(hours=10).silver()
    assert rows_of(lab.silver_table()) == rows_of(table)


@pytest.mark.parametrize("strategy", [MergeStrategy.MERGE, MergeStrategy.REPLACE])
def test_rows_that_came_after_the_plan_are_not_lost(lab: Lab, strategy: MergeStrategy) -> None:
    configured(lab, strategy).ingest(FILES[0], name="1.csv", hours=1).silver()
    rebuild = lab.rebuild(hours=9)
    rebuild.bronze()
    late = lab.ingest("id,line,amount\n9,1,90\n", name="4.csv", hours=10)
    current = keys.silver_current_key("shop", "orders")
    with (
        just_before(lab.lake, "CompleteMultipartUpload", late.silver, key=current),
        pytest.raises(DataFault, match="brought rows after the rebuild was planned, so nothing was replaced; start the rebuild"),
    ):
        rebuild.step(Step.SILVER_TRANSFORM)
    assert 9 in lab.silver_table()["id"]


def test_a_run_that_comes_late_adds_its_rows_to_an_appended_table_once(lab: Lab) -> None:
    configured(lab, MergeStrategy.APPEND).ingest(FILES[0], name="1.csv", hours=1).silver()
    late = lab.ingest("id,line,amount\n9,1,90\n", name="4.csv", hours=4)
    late.bronze()
    lab.rebuild(hours=9).silver()
    rows = rows_of(lab.silver_table())
    late.silver()
    assert rows_of(lab.silver_table()) == rows
    assert lab.silver_table().filter(pl.col("id") == 9).height == 1


def test_without_stored_bronze_there_is_nothing_to_rebuild(lab: Lab) -> None:
    with pytest.raises(ConfigFault, match="there is no stored Bronze"):
        lab.rebuild()
