"""How Gold is built: in full, by increments that give the same, and as snapshots that stay beside one another."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from flowforge.lake import keys
from flowforge.lake.heads import read_head
from flowforge.model.errors import CommitConflict
from flowforge.model.step import GoldCounts, StepResult
from lab import Lab
from s3_faults import just_before

DAYS = [
    "id,country,amount,day\n1,de,1.10,2026-01-31\n2,fr,2.20,2026-02-01\n",
    "id,country,amount,day\n3,de,3.30,2026-01-30\n4,,4.40,2026-02-28\n",
    "id,country,amount,day\n5,fr,,2026-02-02\n",
]
ADDED = {"total": "sum(amount)", "orders": "count(*)", "latest": "max(day)"}
HELD = {"middle": "median(amount)", "kinds": "count_distinct(amount)", "opening": "first(amount)"}
TYPES = {"transformationConfig": {"columnMappings": [{"sourceColumn": "amount", "dataType": "decimal(8,2)"}]}}


def by_country(aggregates: dict[str, str], **options: Any) -> dict[str, Any]:
    return {
        "aggregationEnabled": True,
        "aggregationGroupBy": ["country"],
        "aggregationTimeColumn": "day",
        "aggregationTimeGrain": "monthly",
        "aggregates": aggregates,
        **options,
    }


def published(lab: Lab, result: StepResult) -> pl.DataFrame:
    return lab.frame(result.outputs[0].key)


def grown(lab: Lab, aggregates: dict[str, str], *, days: int = 1) -> list[StepResult]:
    lab.job, lab.silver, lab.gold = TYPES, {"mergeStrategy": "append"}, by_country(aggregates, buildStrategy="incremental")
    return [lab.ingest(rows, name=f"day{number}.csv").gold() for number, rows in enumerate(DAYS[:days])]


@pytest.mark.parametrize("aggregates", [ADDED, HELD])
def test_increments_give_what_a_full_rebuild_gives(lab: Lab, aggregates: dict[str, str]) -> None:
    results = grown(lab, aggregates, days=3)
    assert [note.partition(" run ")[0] for result in results for note in result.notes] == [
        "built in full: no Gold was published before",
        "grown from",
        "grown from",
    ]
    assert results[-1].counts == GoldCounts(read=5, written=3, represented=5)
    assert read_head(lab.lake, keys.gold_head_key("analytics", "orders")).key == results[-1].outputs[0].key  # type: ignore[union-attr]
    lab.gold = by_country(aggregates, dataset="in-full")
    in_full = lab.ingest("id,country,amount,day\n", name="nothing.csv").gold()
    assert published(lab, results[-1]).equals(published(lab, in_full))


def test_new_options_or_types_are_built_in_full(lab: Lab) -> None:
    grown(lab, ADDED)
    lab.gold = by_country({"orders": "count(*)"}, buildStrategy="incremental")
    result = lab.ingest(DAYS[0], name="again.csv").gold()
    assert result.notes == ("built in full: its options or the types of its columns changed",)
    assert published(lab, result)["_row_count"].sum() == 4


def test_silver_that_lost_a_file_is_built_in_full(lab: Lab) -> None:
    grown(lab, ADDED)
    prefix = keys.silver_prefix("shop", "orders")
    lab.lake.delete([key for key in lab.keys_below(prefix) if keys.is_dated(key, prefix)][:1])
    result = lab.ingest(DAYS[0], name="again.csv").gold()
    assert result.notes == ("built in full: files of Silver that it was made of were replaced or removed",)


def test_an_increment_whose_base_is_replaced_meanwhile_publishes_nothing(lab: Lab) -> None:
    base = grown(lab, ADDED)[-1].outputs[0].key
    run = lab.ingest(DAYS[0], name="again.csv")
    run.silver()
    with (
        just_before(lab.lake, "HeadObject", lambda: lab.lake.overwrite(base, "other"), key=base, nth=2),
        pytest.raises(CommitConflict, match="was replaced while it was read"),
    ):
        run.gold()


def test_a_snapshot_carries_its_day_and_stays_beside_the_next(lab: Lab) -> None:
    lab.gold = {"buildStrategy": "snapshot"}
    first, second = (lab.ingest(rows, hours=hours).gold() for rows, hours in ((DAYS[0], 1), (DAYS[2], 25)))
    assert published(lab, first)["_snapshot_date"].to_list() == [date(2026, 11, 23)] * 2
    assert published(lab, second)["_snapshot_date"].to_list() == [date(2026, 11, 24)]
    head = read_head(lab.lake, keys.gold_head_key("analytics", "orders"))
    assert head is not None
    assert head.run_id == second.run_id


def test_periods_of_a_column_without_a_value_are_one_group_of_null(lab: Lab) -> None:
    lab.gold = by_country({"orders": "count(*)"}, aggregationTimeZone="Europe/Berlin")
    nothing = lab.ingest("id,country,amount,day\n1,de,1,\n").gold()
    assert published(lab, nothing).select("day_month", "country", "orders").rows() == [(None, "de", 1)]
