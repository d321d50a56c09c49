"""What the catalog says after each publish."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from catalogs import catalog_state, rows_in_catalog
from flowforge.lake import keys
from flowforge.lake.catalog import CatalogTable
from flowforge.lake.lake import Lake
from flowforge.lake.lake_tables import tables_of
from flowforge.lake.latest_view import view_sql
from flowforge.model.errors import ConfigFault, RetryLater
from flowforge.model.layer import Layer
from flowforge.model.step import Step
from flowforge.model.workflow import read_workflow
from flowforge.steps.column_retyping import retyped
from flowforge.steps.table_files import read_footers
from lab import Lab
from s3_faults import answering_catalog, noting_catalog

ORDERS = "id,amount,Country\n1,10,de\n2,20,fr\n2,21,fr\n3,x,de\n"
MAPPINGS = {"columnMappings": [{"sourceColumn": "amount", "dataType": "integer"}]}
MORE = "id,amount,Country\n4,40,it\n1,11,de\n"


@pytest.fixture
def lab(catalogued: Lake) -> Lab:
    """A lab whose steps keep a catalog."""
    return Lab(
        catalogued, job={"transformationConfig": MAPPINGS, "description": "What customers ordered"}, silver={"primaryKey": "id"}
    )


def table(lab: Lab, layer: Layer, name: str = "shop_orders") -> CatalogTable:
    assert lab.lake.catalog is not None
    found = lab.lake.catalog.table(layer, name)
    assert found is not None
    return found


def partitions(lab: Lab, layer: Layer) -> dict[str, dict[str, Any]]:
    assert lab.lake.catalog is not None
    return lab.lake.catalog.partitions(layer, "shop_orders", with_columns=True)


def test_each_layer_has_a_table_of_its_dated_files_and_a_view_of_what_the_head_names(lab: Lab) -> None:
    lab.ingest(ORDERS).gold()
    lab.ingest(MORE, hours=30).gold()
    # By hand: Bronze holds 4 and 2 records, of which one is quarantined and one a duplicate.
    assert rows_in_catalog(lab.lake) == {
        "bronze.shop_orders": 6,
        "silver.shop_orders": 4,
        "silver.shop_orders_latest": 2,
        "gold.shop_orders": 4,
        "gold.shop_orders_latest": 2,
        "quarantine.shop_orders": 1,
    }
    silver = table(lab, Layer.SILVER)
    audit = [("_ingested_at", "timestamp"), ("_source_file", "string"), ("_row_number", "bigint"), ("_run_id", "string")]
    assert silver.columns == [("id", "bigint"), ("amount", "bigint"), ("country", "string"), *audit, ("_sk_id", "string")]
    assert silver.input["PartitionKeys"] == [{"Name": "run_date", "Type": "date"}]
    assert silver.input["Description"] == "What customers ordered"
    days = partitions(lab, Layer.SILVER)
    assert {day: item["Parameters"]["recordCount"] for day, item in days.items()} == {"2026-11-23": "2", "2026-11-24": "2"}
    uri = lab.lake.uri("silver/shop/orders/")
    assert silver.input["StorageDescriptor"]["Location"] == uri
    assert days["2026-11-24"]["StorageDescriptor"]["Location"] == f"{uri}20261124/"
    head = json.loads((lab.lake.read(keys.silver_head_key("shop", "orders")) or (b"",))[0])
    sql = view_sql(table(lab, Layer.SILVER, "shop_orders_latest").input["ViewOriginalText"])
    assert sql is not None
    assert sql.endswith(f"WHERE \"run_date\" = DATE '2026-11-24' AND \"$path\" = '{lab.lake.uri(head['key'])}'")
    assert silver.parameters["flowforge.head"] == lab.lake.uri(head["key"])


def test_an_older_run_that_comes_late_moves_nothing_back(lab: Lab) -> None:
    early = lab.ingest(ORDERS, hours=1)
    lab.ingest(MORE, name="more.csv", hours=2).gold()
    view = table(lab, Layer.GOLD, "shop_orders_latest").input
    head = table(lab, Layer.GOLD).parameters["flowforge.head"]
    early.gold()
    assert table(lab, Layer.GOLD, "shop_orders_latest").input == view
    assert table(lab, Layer.GOLD).parameters["flowforge.head"] == head
    assert table(lab, Layer.GOLD).parameters["recordCount"] == "4", "its rows are there for those who ask for them"


def test_what_people_wrote_survives_the_next_run(lab: Lab) -> None:
    lab.ingest(ORDERS).bronze()
    before = table(lab, Layer.BRONZE)
    edited = {**before.input, "Description": "Every order", "Owner": "sales"}
    edited["Parameters"] = {**before.parameters, "cost_center": "42"}
    edited["StorageDescriptor"] = json.loads(json.dumps(before.input["StorageDescriptor"]))
    edited["StorageDescriptor"]["Columns"][1]["Comment"] = "net, in euros"
    assert lab.lake.catalog is not None
    assert lab.lake.catalog.update(Layer.BRONZE, edited, version_id=before.version_id)
    lab.ingest("discount,amount,id,Country\n1,2,3,de\n", hours=2).bronze()
    after = table(lab, Layer.BRONZE)
    assert (after.input["Description"], after.input["Owner"], after.parameters["cost_center"]) == ("Every order", "sales", "42")
    assert {"Name": "amount", "Type": "string", "Comment": "net, in euros"} in after.input["StorageDescriptor"]["Columns"]
    assert after.parameters["recordCount"] == "5"
    assert [name for name, _ in after.columns][:4] == ["discount", "amount", "id", "country"]
    shown = [column["Name"] for column in partitions(lab, Layer.BRONZE)["2026-11-23"]["StorageDescriptor"]["Columns"]]
    assert shown == [name for name, _ in after.columns], "a partition says what its table says"


def test_a_run_that_finds_everything_said_writes_nothing(lab: Lab) -> None:
    run = lab.ingest(ORDERS)
    run.gold()
    lab.lake.delete([key for key in lab.keys_below("runs/") if key.endswith("gold_publish.json")])
    before = catalog_state(lab.lake)
    with noting_catalog(lab.lake) as writes:
        run.step(Step.GOLD_PUBLISH)
    assert writes == []
    assert catalog_state(lab.lake) == before


def test_a_table_that_somebody_dropped_is_there_again_as_a_whole(lab: Lab) -> None:
    lab.ingest(ORDERS).bronze()
    assert lab.lake.catalog is not None
    lab.lake.catalog.delete(Layer.BRONZE, "shop_orders")
    lab.ingest(MORE, hours=30).bronze()
    assert table(lab, Layer.BRONZE).parameters["recordCount"] == "6"
    assert sorted(partitions(lab, Layer.BRONZE)) == ["2026-11-23", "2026-11-24"]


@pytest.mark.parametrize("operation", ["GetPartitions", "BatchUpdatePartition", "UpdateTable"])
def test_a_table_that_goes_while_it_is_written_is_there_again_as_a_whole(lab: Lab, operation: str) -> None:
    lab.ingest(ORDERS).bronze()
    before = catalog_state(lab.lake)
    again = lab.ingest(MORE, hours=2)
    catalog = lab.lake.catalog
    assert catalog is not None
    gone: list[str] = []

    def drop(**_: Any) -> None:
        if not gone:
            gone.append(operation)
            catalog.delete(Layer.BRONZE, "shop_orders")

    catalog.client.meta.events.register(f"before-parameter-build.glue.{operation}", drop)
    again.bronze()
    assert gone == [operation]
    assert rows_in_catalog(lab.lake) == {"bronze.shop_orders": 6}
    assert set(catalog_state(lab.lake)) == set(before)


def test_a_catalog_that_refuses_fails_the_step_and_its_repetition_completes_it(lab: Lab) -> None:
    run = lab.ingest(ORDERS)
    with (
        answering_catalog(lab.lake, "UpdateTable", 400, "ResourceNotReadyException"),
        pytest.raises(RetryLater, match="Glue answered"),
    ):
        run.bronze()
    assert run.bronze().output("bronze") is not None
    assert table(lab, Layer.BRONZE).parameters["recordCount"] == "4"


def test_a_name_that_is_another_jobs_is_refused_with_the_option(lab: Lab) -> None:
    lab.ingest(ORDERS).bronze()

    assert lab.lake.catalog is not None
    present = table(lab, Layer.BRONZE)
    taken = {**present.input, "Parameters": {**present.parameters, "flowforge.owner": "wf_other/job_other"}}
    lab.lake.catalog.update(Layer.BRONZE, taken, version_id=None)
    with pytest.raises(ConfigFault, match=r"belongs to the job wf_other/job_other.*bronzeConfig\.tableName"):
        lab.ingest(ORDERS).bronze()


def test_a_table_is_called_as_the_job_says(lab: Lab) -> None:
    lab.silver |= {"tableName": "customer_orders"}
    lab.job["sourceConfig"] = {"fileConfig": {"onMalformedRow": "quarantine"}}
    lab.ingest(f"{ORDERS}4\n").silver()
    assert rows_in_catalog(lab.lake) == {
        "bronze.shop_orders": 4,
        "quarantine.customer_orders": 1,
        "quarantine.customer_orders_malformed": 1,
        "silver.customer_orders": 2,
        "silver.customer_orders_latest": 2,
    }
    malformed = table(lab, Layer.QUARANTINE, "customer_orders_malformed")
    assert malformed.input["StorageDescriptor"]["Location"] == lab.lake.uri("quarantine/shop/orders/malformed/")
    assert "amount" not in dict(malformed.columns), "they have columns of their own"
    assert "amount" in dict(table(lab, Layer.QUARANTINE, "customer_orders").columns)


def test_a_job_has_the_tables_of_the_layers_that_it_writes() -> None:
    silver, gold = {"enabled": False}, {"enabled": False}
    workflow = read_workflow(
        {
            "id": "wf",
            "name": "Shop",
            "jobs": [
                {"id": "raw", "name": "Raw", "destinationConfig": {"silverConfig": silver, "goldConfig": gold}},
                {
                    "id": "sql",
                    "name": "Sums",
                    "type": "gold-analytics",
                    "destinationConfig": {"goldConfig": {"sql": "SELECT 1 FROM o", "tables": {"o": "other/orders"}}},
                },
            ],
        },
        origin="the test",
    )
    assert [f"{table.layer}.{table.name}" for table in tables_of(workflow)] == [
        "bronze.shop_raw",
        "quarantine.shop_raw_malformed",
        "gold.shop_sums",
    ]


def test_a_column_called_run_date_stays_a_column(lab: Lab) -> None:
    lab.ingest("id,amount,run_date\n1,1,x\n").bronze()
    assert table(lab, Layer.BRONZE).input["PartitionKeys"] == [{"Name": "_run_date", "Type": "date"}]
    assert ("run_date", "string") in table(lab, Layer.BRONZE).columns


@pytest.mark.parametrize(
    ("written", "wanted", "values"),
    [
        (["1", None], "bigint", [1, None]),
        (["one"], "bigint", None),
        ([1.5, 2.0], "decimal(4,1)", [Decimal("1.5"), Decimal("2.0")]),
        ([1.25], "decimal(4,1)", None),
        ([7], "string", ["7"]),
        ([None, "2026-11-23"], "date", [None, date(2026, 11, 23)]),
        ([date(2026, 11, 23)], "string", ["2026-11-23"]),
    ],
)
def test_a_file_is_written_again_in_another_type_where_nothing_is_lost(
    lake: Lake, written: list[object], wanted: str, values: list[object] | None
) -> None:
    uri, options = lake.uri("silver/a/b/20261123/x.parquet"), lake.storage_options
    pl.DataFrame({"value": written}).write_parquet(uri, storage_options=options)
    files = read_footers(lake, lake.list_objects("silver/"))
    retyped(lake, files, [("value", wanted)])
    now = pl.read_parquet(uri, storage_options=options)["value"].to_list()
    assert now == (written if values is None else values)
    if values is not None:
        # What a sink that failed uploads late is left to the bucket's lifecycle.
        assert lake.list_objects("_attempts/") == []


def test_a_column_without_values_becomes_a_number_and_older_files_are_read_as_one(lab: Lab) -> None:
    lab.silver |= {"mergeStrategy": "append"}
    lab.ingest("id,amount,Country,weight\n1,1,de,\n").silver()
    assert dict(table(lab, Layer.SILVER).columns)["weight"] == "string"
    lab.ingest("id,amount,Country,weight\n2,1,de,5\n", hours=30).silver()
    assert dict(table(lab, Layer.SILVER).columns)["weight"] == "bigint"
    files = [lab.frame(key) for key in lab.keys_below("silver/shop/orders/2")]
    assert [frame["weight"].to_list() for frame in files] == [[None], [5]]
    assert {str(frame.schema["weight"]) for frame in files} == {"Int64"}
    for partition in partitions(lab, Layer.SILVER).values():
        assert {"Name": "weight", "Type": "bigint"} in partition["StorageDescriptor"]["Columns"]
