import json
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from flowforge.lake import keys
from flowforge.lake.contracts import latest_contract
from flowforge.lake.heads import read_head
from flowforge.model.errors import DataFault
from flowforge.model.step import SilverCounts, Step
from lab import DAWN, JOB_ID, WORKFLOW_ID, Lab

HEAD = keys.silver_head_key("shop", "orders")


def test_rows_are_typed_by_the_contract_that_the_first_run_stores(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id"}
    result = lab.ingest("id,code,price,day,ok\n1,007,1.5,2026-01-31,true\n2,008,,2026-02-01,FALSE\n").silver()
    rows = lab.silver_table()
    assert rows.select("id", "code", "price", "day", "ok").rows() == [
        (1, "007", 1.5, date(2026, 1, 31), True),
        (2, "008", None, date(2026, 2, 1), False),
    ]
    contract = latest_contract(lab.lake, WORKFLOW_ID, JOB_ID)
    assert contract is not None
    assert contract.run_id == result.run_id
    assert [(column.name, str(column.data_type)) for column in contract.columns] == [
        ("id", "integer"),
        ("code", "text"),
        ("price", "float"),
        ("day", "date"),
        ("ok", "boolean"),
    ]


def test_every_row_read_has_one_end(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id"}
    lab.job = {
        "transformationConfig": {"columnMappings": [{"sourceColumn": "price", "dataType": "decimal(8,2)"}]},
        "validationConfig": {"dataQualityRules": [{"column": "name", "ruleType": "not_null", "name": "has a name"}]},
    }
    result = lab.ingest("id,price,name\n1,1.00,a\n1,2.00,b\n2,x,c\n,3.00,d\n3,4.00,\n4,5.00,e\n").silver()
    assert result.counts == SilverCounts(
        read=6, accepted=2, duplicates=1, quarantined=3, inserted=2, updated=0, unchanged=0, stale=0, before=0, after=2
    )
    assert lab.silver_table().select("id", "price").rows() == [(1, Decimal("2.00")), (4, Decimal("5.00"))]
    quarantine = result.output("quarantine")
    assert quarantine is not None
    assert quarantine.key == f"quarantine/shop/orders/20261123/shop_orders_{result.run_id}.parquet"
    assert lab.frame(quarantine.key).select("_row_number", "_failed_rules", "_reason").rows() == [
        (3, ["cast(price)"], "price: 'x' is no decimal(8,2)"),
        (4, ["primary_key(id)"], "id: the primary key is empty"),
        (5, ["has a name"], "the rule has a name is broken"),
    ]
    assert {outcome.rule: outcome.failed for outcome in result.rules} == {
        "primary_key(id)": 1,
        "cast(price)": 1,
        "has a name": 1,
    }


def test_without_a_bad_row_there_is_no_quarantine(lab: Lab) -> None:
    lab.ingest("id\n1\n").silver()
    assert lab.keys_below("quarantine/") == []


def test_a_key_that_comes_again_in_a_later_file_wins_whatever_its_columns_order(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id"}
    first = lab.land("z.csv", "id,name\n1,old\n2,two\n")
    second = lab.land("a.csv", "name,id\nnew,1\nthree,3\n")
    lab.plan(first, second).silver()
    rows = lab.silver_table().select("id", "name", "_source_file", "_row_number").rows()
    assert rows == [(2, "two", "z.csv", 2), (1, "new", "a.csv", 1), (3, "three", "a.csv", 2)]


def test_the_order_of_the_files_decides_which_row_wins(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id"}
    first, second = lab.land("a.csv", "id,name\n1,a\n"), lab.land("b.csv", "id,name\n1,b\n")
    lab.plan(second, first).silver()
    assert lab.silver_table()["name"].to_list() == ["a"]


def test_the_head_names_the_run_that_is_the_table(lab: Lab) -> None:
    result = lab.ingest("id\n1\n2\n").silver()
    head = read_head(lab.lake, HEAD)
    assert head is not None
    assert (head.run_id, head.key, head.rows) == (result.run_id, result.outputs[0].key, 2)
    assert (head.etag, head.contract_version, head.planned_at) == (result.outputs[0].etag, 1, result.planned_at)
    assert result.head == "current"


def test_a_run_that_was_planned_earlier_and_comes_later_does_not_become_the_table(lab: Lab) -> None:
    late = lab.ingest("id\n1\n", name="late.csv", hours=1)
    lab.ingest("id\n2\n", name="early.csv", hours=2).silver()
    assert late.silver().head == "superseded"
    assert lab.silver_table()["id"].to_list() == [2]


def test_a_header_alone_gives_an_empty_table_and_stores_no_contract(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id"}
    result = lab.ingest("id,name\n").silver()
    assert (result.counts.read, result.outputs[0].rows, result.contract_version) == (0, 0, None)
    assert latest_contract(lab.lake, WORKFLOW_ID, JOB_ID) is None
    assert lab.silver_table().columns[:2] == ["id", "name"]


def test_a_column_without_values_stays_undetermined_until_a_value_comes(lab: Lab) -> None:
    lab.ingest("id,later\n1,\n").silver()
    second = lab.ingest("id,later\n2,5\n").silver()
    assert second.contract_version == 2
    assert lab.silver_table().select("id", "later").rows() == [(2, 5)]


def test_a_value_that_does_not_fit_the_contract_goes_to_quarantine(lab: Lab) -> None:
    lab.ingest("id\n1\n").silver()
    result = lab.ingest("id\n2\nx\n007\n").silver()
    assert result.contract_version == 1
    quarantine = result.output("quarantine")
    assert quarantine is not None
    assert lab.frame(quarantine.key)["id"].to_list() == ["x", "007"]


def test_what_the_inference_noted_is_part_of_the_result(lab: Lab) -> None:
    result = lab.ingest("id,day\n1,01/02/2026\n").silver()
    assert len(result.notes) == 1
    assert result.notes[0].startswith("day: its dates can be read as")


def test_bronze_that_was_changed_after_it_was_published_is_refused(lab: Lab) -> None:
    run = lab.ingest("id\n1\n")
    output = run.bronze().outputs[0]
    other = lab.ingest("id\n2\n3\n").bronze().outputs[0]
    stored = lab.lake.read(other.key)
    assert stored is not None
    lab.lake.client.put_object(Bucket=lab.lake.bucket, Key=output.key, Body=stored[0])
    with pytest.raises(DataFault, match="was replaced or removed after it was published"):
        run.step(Step.SILVER_TRANSFORM)
    lab.lake.delete([output.key])
    with pytest.raises(DataFault, match="was replaced or removed after it was published"):
        run.step(Step.SILVER_TRANSFORM)
    assert lab.keys_below("silver/") == []


def test_a_parquet_says_where_its_rows_come_from(lab: Lab) -> None:
    result = lab.ingest("id\n1\n").silver()
    uri = lab.lake.uri(result.outputs[0].key)
    metadata = pl.read_parquet_metadata(uri, storage_options=lab.lake.storage_options)
    assert metadata["flowforge.run_id"] == result.run_id
    assert metadata["flowforge.layer"] == "silver"
    assert metadata["flowforge.contract_version"] == "1"


def test_a_late_answer_is_still_from_the_plans_clock(lab: Lab) -> None:
    run = lab.ingest("id\n1\n", hours=30)
    result = run.silver()
    assert "/20261124/" in result.outputs[0].key
    stored = lab.lake.read(run.plan_key)
    assert stored is not None
    assert json.loads(stored[0])["plannedAt"].startswith("2026-11-24T12:00:00")
    assert (result.planned_at - DAWN).total_seconds() == 30 * 3600
