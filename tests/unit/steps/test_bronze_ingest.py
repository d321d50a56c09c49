from functools import partial
from typing import Any

import pytest

from flowforge.lake import keys
from flowforge.model.errors import ConfigFault, DataFault, RetryLater
from flowforge.model.step import BronzeCounts
from lab import JOB_ID, WORKFLOW_ID, Lab
from s3_faults import just_before


def assert_nothing_was_published(lab: Lab) -> None:
    assert lab.keys_below("bronze/") == []
    assert lab.keys_below("contracts/") == []
    # Beside the plan there is at most word of why it failed.
    assert not [key for key in lab.keys_below("runs/") if not key.endswith(("plan.json", "bronze_ingest.failure.json"))]


def test_a_file_becomes_one_object_under_the_runs_key(lab: Lab) -> None:
    result = lab.ingest('id,name\n007,"a\nb"\n8,\n').bronze()
    (output,) = result.outputs
    assert output.key == f"bronze/shop/orders/20261123/shop_orders_{result.run_id}_v001.parquet"
    assert result.counts == BronzeCounts(read=2, written=2)
    rows = lab.frame(output.key)
    assert rows.select("id", "name", "_source_file", "_row_number").rows() == [
        ("007", "a\nb", "orders.csv", 1),
        ("8", None, "orders.csv", 2),
    ]
    assert set(rows["_run_id"]) == {result.run_id}
    assert set(rows["_ingested_at"]) == {result.planned_at}
    version = lab.lake.head(output.key)
    assert version is not None
    assert (version.etag, version.size_bytes) == (output.etag, output.size_bytes)


def test_each_file_of_a_run_is_an_object_of_its_own_in_their_order(lab: Lab) -> None:
    second, first = lab.land("b.csv", "id,name\n1,x\n"), lab.land("a.csv", "name,id\ny,2\nz,3\n")
    result = lab.plan(first, second).bronze()
    assert [output.key[-13:] for output in result.outputs] == ["_v001.parquet", "_v002.parquet"]
    assert [output.rows for output in result.outputs] == [2, 1]
    assert lab.frame(result.outputs[0].key).select("id", "name").rows() == [("2", "y"), ("3", "z")]


def test_a_header_alone_is_a_success_with_no_rows(lab: Lab) -> None:
    result = lab.ingest("id,name\n").bronze()
    assert result.counts == BronzeCounts(read=0, written=0)
    assert lab.frame(result.outputs[0].key).columns[:2] == ["id", "name"]


@pytest.mark.parametrize("body", ["", "id,name\n1\n", 'id,name\n1,"x\n', "id,name\n1,x,y\n", "id,_x\n1,2\n"])
def test_a_file_that_cannot_be_read_is_named_and_leaves_nothing(lab: Lab, body: str) -> None:
    good, bad = lab.land("good.csv", "id,name\n1,x\n"), lab.land("bad.csv", body)
    with pytest.raises(DataFault, match=r"^bad.csv") as caught:
        lab.plan(good, bad).bronze()
    assert caught.value.file == "bad.csv"
    assert_nothing_was_published(lab)


def test_names_that_the_engine_cannot_tell_apart_are_read_all_the_same(lab: Lab) -> None:
    result = lab.ingest("a,a,a_duplicated_0\n1,2,3\n").bronze()
    rows = lab.frame(result.outputs[0].key)
    assert rows.select("a", "a_2", "a_duplicated_0").rows() == [("1", "2", "3")]


def test_a_bad_row_far_into_a_large_file_leaves_nothing(lab: Lab) -> None:
    rows = [f"{number},name of {number}" for number in range(1, 300_001)]
    rows[299_990] = "299991,one,too many"
    rows[5] = "6"
    with pytest.raises(DataFault, match=r"row 6 \(line 7\) has 1 fields"):
        lab.ingest("id,name\n" + "\n".join(rows) + "\n").bronze()
    assert_nothing_was_published(lab)


def test_a_source_that_was_replaced_after_the_plan_is_refused(lab: Lab) -> None:
    run = lab.ingest("id\n1\n")
    lab.land("orders.csv", "id\n2\n")
    with pytest.raises(DataFault, match=r"orders.csv was replaced in landing after the run was planned; nothing was published"):
        run.bronze()
    assert_nothing_was_published(lab)


def test_a_source_that_was_replaced_by_the_same_bytes_is_another_version(lab: Lab) -> None:
    run = lab.ingest("id\n1\n")
    lab.land("orders.csv", "id\n1\n")
    with pytest.raises(DataFault, match="replaced"):
        run.bronze()


def test_a_source_that_was_removed_after_the_plan_is_refused(lab: Lab) -> None:
    run = lab.ingest("id\n1\n")
    lab.lake.delete([keys.landing_key(WORKFLOW_ID, JOB_ID, "orders.csv")])
    with pytest.raises(DataFault, match=r"orders.csv was removed from landing"):
        run.bronze()
    assert_nothing_was_published(lab)


@pytest.mark.parametrize("replacement", ["id,name\n3,z\n4,y\n", "id,name\n3,z,too many\n", "name\n1\n", ""])
def test_a_source_that_is_replaced_while_it_is_read_is_refused(lab: Lab, replacement: str) -> None:
    run = lab.ingest("id,name\n1,x\n2,y\n")
    replace = partial(lab.land, "orders.csv", replacement)
    with just_before(lab.lake, "HeadObject", replace, nth=2), pytest.raises(DataFault, match=r"orders.csv was replaced"):
        run.bronze()
    assert_nothing_was_published(lab)


def test_a_source_that_is_replaced_after_its_structure_was_read_is_refused(lab: Lab) -> None:
    run = lab.ingest("id,name\n1,x\n2,y\n")
    replace = partial(lab.land, "orders.csv", "name,id\nx,1\ny,2\n")
    with (
        just_before(lab.lake, "GetObject", replace, key="v000001.json"),
        pytest.raises(DataFault, match=r"orders.csv was replaced"),
    ):
        run.bronze()
    assert_nothing_was_published(lab)


def test_a_source_that_is_replaced_after_the_last_look_changes_nothing(lab: Lab) -> None:
    run = lab.ingest("id\n1\n")
    with just_before(lab.lake, "CreateMultipartUpload", lambda: lab.land("orders.csv", "id\n2\n")):
        result = run.bronze()
    assert lab.frame(result.outputs[0].key)["id"].to_list() == ["1"]


def test_files_with_other_columns_than_the_first_are_refused(lab: Lab) -> None:
    first, second = lab.land("a.csv", "id,name\n1,x\n"), lab.land("b.csv", "id,city\n1,x\n")
    with pytest.raises(DataFault, match=r"b.csv has the column 'city', which a.csv does not have"):
        lab.plan(first, second).bronze()
    assert_nothing_was_published(lab)


@pytest.mark.parametrize(
    ("header", "message"),
    [("id,name,city", "has the column 'city', which the contract v000001 does not have"), ("id", "lacks the column 'name'")],
)
def test_drift_from_the_contract_is_refused(lab: Lab, header: str, message: str) -> None:
    lab.ingest("id,name\n1,x\n").silver()
    before = lab.keys_below("bronze/")
    with pytest.raises(DataFault, match=message):
        lab.ingest(header + "\n", name="drifted.csv").bronze()
    assert lab.keys_below("bronze/") == before


def test_the_contracts_columns_in_another_order_pass(lab: Lab) -> None:
    lab.ingest("id,name\n1,x\n").silver()
    assert lab.ingest("name,id\ny,2\n").bronze().counts == BronzeCounts(read=1, written=1)


def test_a_key_column_that_the_file_lacks_is_named(lab: Lab) -> None:
    lab.silver = {"primaryKey": ["id", "line"]}
    with pytest.raises(
        ConfigFault, match=r"silverConfig.primaryKey names the column 'line', which orders.csv does not have"
    ) as caught:
        lab.ingest("id,name\n1,x\n").bronze()
    assert (caught.value.option, caught.value.column) == ("silverConfig.primaryKey", "line")
    assert_nothing_was_published(lab)


def test_the_jobs_delimiter_and_null_values_are_used(lab: Lab) -> None:
    lab.job = {"sourceConfig": {"fileConfig": {"delimiter": ";", "nullValues": ["NA"]}}}
    result = lab.ingest("id;name\n1;a,b\nNA;x\n").bronze()
    assert lab.frame(result.outputs[0].key).select("id", "name").rows() == [("1", "a,b"), (None, "x")]


def test_an_s3_that_does_not_answer_the_engine_is_tried_again_later(lab: Lab) -> None:
    run = lab.ingest("id\n1\n")
    nowhere: dict[str, Any] = {"aws_endpoint_url": "http://127.0.0.1:9", "max_retries": 0}
    lab.lake.storage_options = lab.lake.storage_options | nowhere
    with pytest.raises(RetryLater, match=r"orders.csv could not be read"):
        run.bronze()
    assert_nothing_was_published(lab)
