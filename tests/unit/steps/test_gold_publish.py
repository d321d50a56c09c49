from decimal import Decimal
from functools import partial

import duckdb
import pytest

from flowforge.lake import keys
from flowforge.lake.heads import read_head
from flowforge.model.errors import CommitConflict, ConfigFault
from flowforge.model.step import GoldCounts, Step
from lab import Lab
from s3_faults import just_before

SALES = "id,country,amount\n1,de,1.10\n2,fr,2.20\n3,,3.30\n4,de,4.40\n5,,\n"
GOLD = {
    "domain": "sales",
    "dataset": "by-country",
    "aggregationEnabled": True,
    "aggregationGroupBy": ["country"],
    "aggregates": {"total": "sum(amount)", "sales": "count(*)", "priced": "count(amount)"},
}
DECIMAL = {"transformationConfig": {"columnMappings": [{"sourceColumn": "amount", "dataType": "decimal(8,2)"}]}}


def test_a_copy_publishes_silver_as_it_is(lab: Lab) -> None:
    result = lab.ingest(SALES).gold()
    assert result.outputs[0].key == f"gold/analytics/orders/20261123/orders_{result.run_id}.parquet"
    assert result.counts == GoldCounts(read=5, written=5, represented=5)
    assert lab.frame(result.outputs[0].key).equals(lab.silver_table())


def test_groups_sum_to_the_rows_read_and_agree_with_duckdb(lab: Lab) -> None:
    lab.gold, lab.job = GOLD, DECIMAL
    result = lab.ingest(SALES).gold()
    assert result.outputs[0].key == f"gold/sales/by-country/20261123/by-country_{result.run_id}.parquet"
    assert result.counts == GoldCounts(read=5, written=3, represented=5)
    rows = lab.frame(result.outputs[0].key).rows()
    silver = lab.silver_table().to_arrow()
    assert silver.num_rows == 5
    expected = duckdb.execute(
        "SELECT country, sum(amount), count(*), count(amount), count(*) FROM silver GROUP BY country ORDER BY country NULLS FIRST"
    ).fetchall()
    assert rows == expected
    assert rows[0] == (None, Decimal("3.30"), 2, 1, 2)


def test_the_head_names_the_run_that_is_published(lab: Lab) -> None:
    result = lab.ingest(SALES).gold()
    head = read_head(lab.lake, keys.gold_head_key("analytics", "orders"))
    assert head is not None
    assert (head.run_id, head.key, head.etag, head.rows) == (
        result.run_id,
        result.outputs[0].key,
        result.outputs[0].etag,
        5,
    )
    assert result.head == "current"


def test_a_run_that_was_planned_earlier_and_comes_later_is_not_published_over(lab: Lab) -> None:
    late = lab.ingest("id\n1\n", name="late.csv", hours=1)
    newer = lab.ingest("id\n2\n", name="early.csv", hours=2).gold()
    assert late.gold().head == "superseded"
    head = read_head(lab.lake, keys.gold_head_key("analytics", "orders"))
    assert head is not None
    assert head.run_id == newer.run_id


@pytest.mark.parametrize("strategy", ["versioned", "merge"])
def test_a_header_alone_goes_through_an_aggregation_with_no_rows(lab: Lab, strategy: str) -> None:
    lab.gold = GOLD
    lab.silver = {"primaryKey": "id", "mergeStrategy": strategy}
    result = lab.ingest("id,country,amount\n").gold()
    assert result.counts == GoldCounts(read=0, written=0, represented=0)
    assert lab.frame(result.outputs[0].key).columns == ["country", "total", "sales", "priced", "_row_count"]


def test_a_sum_over_a_column_without_values_is_no_fault(lab: Lab) -> None:
    lab.gold = GOLD
    result = lab.ingest("id,country,amount\n1,de,\n2,fr,\n").gold()
    assert lab.frame(result.outputs[0].key).select("country", "sales", "priced").rows() == [("de", 1, 0), ("fr", 1, 0)]


def test_an_aggregate_that_does_not_fit_its_column_is_named_and_publishes_nothing(lab: Lab) -> None:
    lab.gold = GOLD | {"aggregates": {"total": "sum(country)"}}
    with pytest.raises(ConfigFault, match=r"goldConfig.aggregates.total: sum\(country\) needs a number"):
        lab.ingest(SALES).gold()
    assert lab.keys_below("gold/") == []


def test_every_row_set_aside_sums_up_to_an_empty_gold(lab: Lab) -> None:
    lab.silver, lab.gold = {"primaryKey": "id"}, GOLD
    result = lab.ingest("id,country,amount\n,de,1\n,fr,2\n").gold()
    assert result.counts == GoldCounts(read=0, written=0, represented=0)


def test_a_merged_table_that_changes_while_it_is_read_is_a_conflict(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge"}
    first, second = lab.ingest("id\n1\n", name="a.csv"), lab.ingest("id\n2\n", name="b.csv")
    first.silver()
    second.bronze()
    another = partial(second.step, Step.SILVER_TRANSFORM)
    with (
        just_before(lab.lake, "HeadObject", another, key="current.parquet", nth=2),
        pytest.raises(CommitConflict, match="was replaced while it was read"),
    ):
        first.step(Step.GOLD_PUBLISH)
    assert lab.keys_below("gold/") == []
    assert lab.frame(first.gold().outputs[0].key)["id"].to_list() == [1, 2]


def test_a_merged_table_that_changes_after_it_was_read_is_published_as_it_was(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge"}
    first, second = lab.ingest("id\n1\n", name="a.csv"), lab.ingest("id\n2\n", name="b.csv")
    first.silver()
    with just_before(lab.lake, "CreateMultipartUpload", second.silver):
        result = first.gold()
    assert lab.frame(result.outputs[0].key)["id"].to_list() == [1]
