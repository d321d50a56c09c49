"""Where a row comes from: the results tell it, down to the file and its record."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest

from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault
from flowforge.model.replay import ReplayedRow
from flowforge.model.step import Step
from flowforge.steps.known_tables import find_table
from flowforge.steps.lineage_reader import run_of_table
from flowforge.steps.record_reader import Record, find_record
from flowforge.steps.results import read_lineage
from lab import JOB_ID, Lab

ORDERS = "Order ID,amount,country\n1,10,de\n2,20,fr\n3,30,de\n"


@pytest.fixture
def lab(lake: Lake) -> Lab:
    """A job that renames, and aggregates."""
    gold = {
        "aggregationEnabled": True,
        "aggregationGroupBy": ["country"],
        "aggregates": {"total": "sum(amount)", "orders": "count(*)"},
    }
    mappings = {"columnMappings": [{"sourceColumn": "Order ID", "targetColumn": "id"}]}
    return Lab(lake, job={"transformationConfig": mappings}, silver={"primaryKey": "id"}, gold=gold)


def test_results_name_the_parents_of_each_layer_down_to_the_bytes_that_landed(lab: Lab) -> None:
    lab.ingest(ORDERS).gold()
    bronze, silver, gold = run_of_table(lab.lake, find_table(lab.lake, "gold.shop_orders"), None)
    (landed,) = bronze.lineage.parents
    version = lab.lake.head(landed.key)
    assert version is not None
    assert landed.key == "landing/wf_shop/job_orders/orders.csv"
    assert (landed.sha256, landed.version_id) == (hashlib.sha256(ORDERS.encode()).hexdigest(), version.version_id)
    for child, parent in ((silver, bronze), (gold, silver)):
        assert [(item.key, item.etag) for item in child.lineage.parents] == [(item.key, item.etag) for item in parent.outputs]


def test_results_name_the_columns_behind_each_column(lab: Lab) -> None:
    lab.ingest(ORDERS).gold()
    bronze, silver, gold = (
        {origin.column: (origin.type, origin.origins) for origin in result.lineage.columns}
        for result in run_of_table(lab.lake, find_table(lab.lake, "gold.shop_orders"), None)
    )
    assert bronze["Order ID"] == ("string", ("Order ID",))
    assert bronze["_row_number"] == ("bigint", ())
    assert silver["id"] == ("bigint", ("Order ID",))
    assert silver["_source_file"] == ("string", ("_source_file",))
    assert silver["_sk_id"] == ("string", ("Order ID",))
    assert gold == {
        "country": ("string", ("country",)),
        "total": ("decimal(38,0)", ("amount",)),
        "orders": ("bigint", ()),
        "_row_count": ("bigint", ()),
    }


def test_a_file_of_an_archive_leads_to_the_archive_that_landed(lab: Lab) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("june.csv", ORDERS)
        archive.writestr("july.csv", "Order ID,amount,country\n9,90,it\n")
    lab.plan(lab.land("orders.zip", content.getvalue())).bronze()
    table = find_table(lab.lake, "bronze.shop_orders")
    (bronze,) = run_of_table(lab.lake, table, None)
    (landed,) = bronze.lineage.parents
    assert landed.sha256 == hashlib.sha256(content.getvalue()).hexdigest()
    record = find_record(lab.lake, table, run_id=bronze.run_id, source_file="orders.zip/july.csv", row_number=1)
    assert (record.source, record.row["Order ID"]) == (landed, "9")


def test_what_is_made_of_a_column_names_it_whatever_made_it(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "scd_type_2", "scdEffectiveDateColumn": "day"}
    derived = {"name": "gross", "expression": "amount * 2 + id", "dataType": "decimal(9,2)"}
    lab.job["transformationConfig"]["derivedColumns"] = [derived]
    lab.gold = {
        "buildStrategy": "snapshot",
        "aggregationEnabled": True,
        "aggregationTimeColumn": "day",
        "aggregationTimeGrain": "month",
        "aggregates": {"total": "sum(gross)"},
    }
    lab.ingest("Order ID,amount,day\n1,10,2026-01-31\n").gold()
    _, silver, gold = (
        {origin.column: origin.origins for origin in result.lineage.columns}
        for result in run_of_table(lab.lake, find_table(lab.lake, "gold.shop_orders"), None)
    )
    assert silver["gross"] == ("amount", "Order ID")
    assert (silver["day"], silver["_effective_to"], silver["_is_current"]) == (("day",), ("day",), ("day",))
    assert gold == {"day_month": ("day",), "total": ("gross",), "_row_count": (), "_snapshot_date": ()}


def test_a_rebuild_and_a_replay_lead_to_the_files_that_the_rows_first_came_from(lab: Lab) -> None:
    lab.job["validationConfig"] = {"dataQualityRules": [{"column": "country", "ruleType": "not_null", "severity": "error"}]}
    run = lab.ingest("Order ID,amount,country\n1,10,de\n2,20,\n")
    quarantine = run.silver().outputs_of("quarantine")[0].key
    replay = lab.replay(quarantine, ReplayedRow(number=1, values={"country": "fr"}))
    for again, roles in ((replay, ["quarantine", "landing"]), (lab.rebuild(), ["landing"])):
        again.bronze()
        parents = read_lineage(lab.lake, again.execution_id, JOB_ID, Step.BRONZE_INGEST).parents
        assert [parent.role for parent in parents] == roles
        assert parents[-1].key == "landing/wf_shop/job_orders/orders.csv"


def record_of(lab: Lab, row: Mapping[str, Any]) -> Record:
    table = find_table(lab.lake, "silver.shop_orders")
    return find_record(lab.lake, table, run_id=row["_run_id"], source_file=row["_source_file"], row_number=row["_row_number"])


def test_every_row_of_silver_leads_to_its_record_whichever_run_wrote_the_table_last(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge"}
    lab.ingest(ORDERS).silver()
    lab.ingest("Order ID,amount,country\n2,21,it\n", name="more.csv").silver()
    rows = lab.silver_table().sort("id").rows(named=True)
    records = [record_of(lab, row) for row in rows]
    assert [(record.source.key, record.row["Order ID"], record.row["country"]) for record in records[:2]] == [
        ("landing/wf_shop/job_orders/orders.csv", "1", "de"),
        ("landing/wf_shop/job_orders/more.csv", "2", "it"),
    ]


def test_without_a_run_the_newest_that_read_the_file_is_asked(lab: Lab) -> None:
    lab.ingest(ORDERS).bronze()
    lab.ingest("Order ID,amount,country\n2,21,it\n", name="more.csv").bronze()
    for source_file, country in (("orders.csv", "de"), ("more.csv", "it")):
        table = find_table(lab.lake, "bronze.shop_orders")
        record = find_record(lab.lake, table, run_id=None, source_file=source_file, row_number=1)
        assert record.row["country"] == country


def test_what_no_run_wrote_is_refused_with_what_there_is(lab: Lab) -> None:
    lab.ingest(ORDERS).silver()
    table = find_table(lab.lake, "silver.shop_orders")
    with pytest.raises(ConfigFault, match="has no file of run 20260101-abcdef"):
        run_of_table(lab.lake, table, "20260101-abcdef")
    with pytest.raises(ConfigFault, match=r"run 20260101-abcdef of shop_orders left no file in Bronze"):
        find_record(lab.lake, table, run_id="20260101-abcdef", source_file="orders.csv", row_number=1)
    with pytest.raises(ConfigFault, match=r"read no file other\.csv; what was read is orders\.csv"):
        find_record(lab.lake, table, run_id=None, source_file="other.csv", row_number=1)
    with pytest.raises(ConfigFault, match=r"orders\.csv has no record 4; run .* read 3 of it"):
        find_record(lab.lake, table, run_id=None, source_file="orders.csv", row_number=4)
