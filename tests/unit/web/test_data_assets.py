"""Published tables over HTTP: filters before pages, what people write, rows as JSON, and where they come from."""

import base64
import io
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from databases import orders_job, shop
from flowforge.lake.lake import Lake
from flowforge.metadata.catalog_assets import PublishedTable, publish
from flowforge.metadata.database import Database
from flowforge.metadata.quality_results import record_quality
from flowforge.metadata.run_state import record_execution, record_job
from flowforge.model.environment import Environment
from flowforge.model.layer import Layer
from flowforge.model.role import Role
from flowforge.model.run_state import ExecutionState, JobState
from flowforge.model.run_status import ExecutionStatus, JobStatus
from flowforge.model.step import RuleOutcome, Step
from flowforge.web.json_values import json_value
from lab import JOB_ID, Lab
from told_runs import begin, stored, tell
from web_clients import As

ORDERS = "id,amount,at\n1,10,2026-03-01 08:00:00\n2,20,2026-03-01 09:00:00\n2,21,2026-03-01 10:00:00\n,5,2026-03-01 11:00:00\n"
RULES = {
    "dataQualityRules": [
        {"name": "cheap", "column": "amount", "ruleType": "range", "parameters": {"max": 20}, "severity": "warning"}
    ],
    "reconciliationRules": [{"name": "rows", "sourceLayer": "silver", "targetLayer": "gold"}],
}
LIST = "/api/data-assets/list"


@pytest.fixture
def lab(catalogued: Lake) -> Lab:
    return Lab(catalogued, job={"validationConfig": RULES}, silver={"primaryKey": "id"})


@pytest.fixture
def ran(database: Database, lab: Lab) -> None:
    run = lab.ingest(ORDERS)
    run.gold()
    stored(database, lab)
    with database.transaction() as connection:
        begin(connection, run)
        for step in Step:
            assert tell(connection, run, step)


def published(database: Database, count: int) -> None:
    """Silver and Gold of one job for each of some workflows, whose quality differs: none, passed, warning, failed, and so on."""
    outcomes = [(), (("error", 0),), (("warning", 1), ("info", 3)), (("warning", 0), ("error", 2))]
    with database.transaction() as connection:
        for number in range(count):
            workflow_id, execution_id = f"wf_{number}", f"exec_{number}"
            gold = {"goldConfig": {"domain": workflow_id.replace("_", "-")}}
            shop(connection, f"Shop {number}", orders_job(destinationConfig=gold), workflow_id=workflow_id)
            running = ExecutionStatus.RUNNING
            record_execution(connection, ExecutionState(execution_id=execution_id, workflow_id=workflow_id, status=running))
            record_job(connection, JobState(execution_id=execution_id, job_id="orders", status=JobStatus.RUNNING))
            rules = [
                RuleOutcome(rule=f"r{index}", column="id", severity=severity, failed=failed, checked=5)
                for index, (severity, failed) in enumerate(outcomes[number % 4])
            ]
            record_quality(connection, execution_id, "orders", rules)
            for layer in (Layer.SILVER, Layer.GOLD):
                table = PublishedTable(
                    layer=layer,
                    table_name=f"shop_{number}_orders",
                    environment=Environment.DEV,
                    workflow_id=workflow_id,
                    job_id="orders",
                    location=f"s3://data/{layer.value}/shop-{number}/orders/",
                    columns=[],
                    parents=[f"silver.shop_{number}_orders"] if layer is Layer.GOLD else [],
                    row_count=number,
                    size_bytes=10 * number,
                    contract_version=None,
                    run_id=f"run_{number}",
                    execution_id=execution_id,
                    planned_at=datetime(2026, 3, 1, tzinfo=UTC),
                )
                publish(connection, table)


@pytest.mark.usefixtures("ran")
def test_behaviour_18_a_table_shows_its_rows_columns_rules_runs_and_parents(admin: TestClient) -> None:
    listed = {asset["name"]: asset for asset in admin.get(LIST).json()["assets"]}
    assert sorted(listed) == ["bronze.shop_orders", "gold.shop_orders", "quarantine.shop_orders", "silver.shop_orders"]
    silver = admin.get(f"/api/data-assets/{listed['silver.shop_orders']['id']}").json()
    # By hand: one record has no id, of the two with id 2 the last stays, and its amount is above 20.
    assert (silver["rowCount"], silver["qualityStatus"], silver["environment"]) == (2, "failed", "dev")
    assert (silver["parentTables"], silver["workflowName"], silver["jobName"]) == (["bronze.shop_orders"], "Shop", "Orders")
    assert {column["name"]: column["type"] for column in silver["schema"]}["at"] == "timestamp"
    assert [(rule["rule"], rule["ruleType"], rule["severity"]) for rule in silver["rules"]] == [("cheap", "range", "warning")]
    assert [(run["executionId"], run["status"]) for run in silver["executions"]] == [("exec_1", "running")]
    found = {item["rule"]: (item["status"], item["failed"], item["checked"], item["passRate"]) for item in silver["quality"]}
    assert found == {"cheap": ("warning", 1, 2, 0.5), "primary_key(id)": ("failed", 1, None, None)}
    assert [(item["rule"], item["passed"]) for item in silver["reconciliation"]] == [("rows", True)]
    quality = admin.get(f"/api/data-assets/{silver['id']}/quality").json()
    assert (quality["rules"], quality["results"], quality["reconciliation"]) == (
        silver["rules"],
        silver["quality"],
        silver["reconciliation"],
    )
    of_execution = admin.get("/api/executions/exec_1/quality").json()
    assert (of_execution["results"], of_execution["reconciliation"]) == (quality["results"], quality["reconciliation"])
    assert admin.get("/api/quality/rules", params={"jobId": JOB_ID}).json()["pagination"]["total"] == 1
    graph = admin.get("/api/data-assets/lineage", params={"assetId": listed["gold.shop_orders"]["id"]}).json()["lineage"]
    names = {node["id"]: node["name"] for node in graph["nodes"]}
    assert {(names[edge["source"]], names[edge["target"]]) for edge in graph["edges"]} == {
        ("landing/wf_shop/job_orders/", "bronze.shop_orders"),
        ("bronze.shop_orders", "silver.shop_orders"),
        ("silver.shop_orders", "gold.shop_orders"),
    }
    assert graph == silver["lineage"]


@pytest.mark.usefixtures("ran")
def test_a_sample_shows_the_rows_that_the_table_has_now(admin: TestClient, lab: Lab, database: Database) -> None:
    ids = {asset["name"]: asset["id"] for asset in admin.get(LIST).json()["assets"]}
    again = lab.ingest("id,amount,at\n9,90,2026-03-02 08:00:00\n", name="more.csv")
    again.gold()
    with database.transaction() as connection:
        begin(connection, again)
        tell(connection, again, Step.SILVER_TRANSFORM)
    silver = admin.get(f"/api/data-assets/{ids['silver.shop_orders']}/sample").json()
    assert [(row["id"], row["amount"], row["at"]) for row in silver["rows"]] == [(9, 90, "2026-03-02T08:00:00")]
    assert (silver["total_rows_in_sample"], silver["total_columns"], silver["isCut"]) == (1, len(silver["schema"]), False)
    bronze = admin.get(f"/api/data-assets/{ids['bronze.shop_orders']}/sample", params={"limit": 5}).json()
    assert sorted(str(row["id"]) for row in bronze["rows"]) == ["1", "2", "2", "9", "None"]
    cut = admin.get(f"/api/data-assets/{ids['bronze.shop_orders']}/sample", params={"limit": 2}).json()
    assert cut["rows"] == bronze["rows"][:2]
    quarantine = admin.get(f"/api/data-assets/{ids['quarantine.shop_orders']}/sample").json()
    assert quarantine["total_rows_in_sample"] == 1


def test_every_type_of_a_table_has_a_form_in_json(admin: TestClient, lab: Lab, database: Database) -> None:
    odd = {
        "big": pl.Series([2**60, 7], dtype=pl.Int64),
        "price": pl.Series([Decimal("12345678901234567890.10"), None], dtype=pl.Decimal(38, 2)),
        "day": [date(2026, 3, 1), None],
        "instant": pl.Series([datetime(2026, 3, 1, 12, tzinfo=UTC), None], dtype=pl.Datetime("us", "UTC")),
        "raw": [b"\x00\xff", None],
        "share": [float("nan"), float("inf")],
        "tags": [["a", "b"], None],
        "nested": [{"day": date(2026, 3, 2), "n": 2**60}, None],
        "text": ["ü" * 5000, ""],
    }
    buffer = io.BytesIO()
    pl.DataFrame(odd).write_parquet(buffer)
    lab.job["sourceConfig"] = {"type": "parquet"}
    lab.job["validationConfig"] = {}
    lab.silver.clear()
    run = lab.plan(lab.land("odd.parquet", buffer.getvalue()))
    run.bronze()
    stored(database, lab)
    with database.transaction() as connection:
        begin(connection, run)
        assert tell(connection, run, Step.BRONZE_INGEST)
    [asset] = admin.get(LIST).json()["assets"]
    first, second = admin.get(f"/api/data-assets/{asset['id']}/sample").json()["rows"]
    assert (first["big"], second["big"], first["price"]) == (str(2**60), 7, "12345678901234567890.10")
    assert (first["day"], second["share"], first["share"]) == ("2026-03-01", "inf", "nan")
    assert datetime.fromisoformat(first["instant"]) == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert base64.b64decode(first["raw"]) == b"\x00\xff"
    assert first["text"] == "ü" * 1000 + "…"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-(2**53), str(-(2**53))),
        (2**53 - 1, 2**53 - 1),
        (True, True),
        (Decimal("1E+3"), "1000"),
        (time(9, 30), "09:30:00"),
        (timedelta(minutes=1.5), 90.0),
        (float("-inf"), "-inf"),
        ({"a": [date(2026, 1, 2), {"b": b"\x00"}]}, {"a": ["2026-01-02", {"b": "AA=="}]}),
        (pl.Series([1, None]), [1, None]),
    ],
)
def test_a_value_keeps_all_its_digits_in_json(value: object, shown: object) -> None:
    assert json_value(value) == shown


def test_tables_are_filtered_in_the_database_and_counted_exactly(admin: TestClient, database: Database) -> None:
    published(database, 8)
    first = admin.get(LIST, params={"limit": 3, "page": 6}).json()
    assert first["pagination"] == {"page": 6, "limit": 3, "total": 16, "pages": 6}
    assert [asset["name"] for asset in first["assets"]] == ["gold.shop_7_orders"]
    assert (first["stats"]["total_assets"], first["stats"]["total_rows"], first["stats"]["total_size"]) == (16, 56, 560)
    assert first["stats"]["by_layer"] == {"bronze": 0, "silver": 8, "gold": 8, "quarantine": 0}
    assert first["stats"]["by_environment"] == {"dev": 16, "qa": 0, "uat": 0, "prod": 0}
    assert first["stats"]["by_quality"] == {"unknown": 4, "passed": 4, "warning": 4, "failed": 4}
    assert len(first["workflows"]) == 8
    filters: list[tuple[dict[str, Any], int]] = [
        ({"layers": "gold"}, 8),
        ({"layers": ["gold", "bronze"], "workflowIds": ["wf_1", "wf_2"]}, 2),
        ({"qualityStatus": ["failed", "warning"], "layers": "silver"}, 4),
        ({"qualityStatus": "passed", "limit": 1}, 4),
        ({"assetTypes": "quarantine"}, 0),
        ({"assetTypes": ["quarantine", "table"]}, 16),
        ({"environments": "prod"}, 0),
        ({"search": "SHOP_3"}, 2),
        ({"search": "%"}, 0),
        ({"tags": "gdpr"}, 0),
    ]
    for params, total in filters:
        told = admin.get(LIST, params=params).json()
        assert (told["pagination"]["total"], told["stats"]["total_assets"]) == (total, total), params
        assert len(told["assets"]) == min(total, int(str(params.get("limit", 50)))), params


def test_what_people_write_needs_the_version_that_they_saw_and_the_role(client_as: As, database: Database) -> None:
    published(database, 1)
    operator, viewer = client_as(Role.OPERATOR), client_as(Role.VIEWER)
    [silver, _] = operator.get(LIST, params={"search": "shop_0"}).json()["assets"]
    path = f"/api/data-assets/{silver['id']}"
    seen = operator.get(path).headers["ETag"]
    assert operator.patch(path, json={"owner": "sales"}).status_code == 428
    assert viewer.patch(path, json={"owner": "sales"}, headers={"If-Match": seen}).status_code == 403
    changed = operator.patch(path, json={"owner": "sales", "tags": ["gdpr", "gdpr"]}, headers={"If-Match": seen})
    assert (changed.json()["owner"], changed.json()["tags"], changed.json()["description"]) == ("sales", ["gdpr"], "")
    assert operator.patch(path, json={"owner": "x"}, headers={"If-Match": seen}).status_code == 412
    newer = changed.headers["ETag"]
    assert operator.patch(path, json={"tags": []}, headers={"If-Match": newer}).json()["tags"] == []
    assert operator.patch(path, json={"rowCount": 1}, headers={"If-Match": newer}).status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/data-assets/77", 404),
        ("/api/data-assets/77/sample", 404),
        ("/api/data-assets/77/quality", 404),
        ("/api/data-assets/lineage?assetId=77", 404),
        ("/api/data-assets/lineage", 400),
        (f"/api/data-assets/{2**63}", 400),
        ("/api/data-assets/nine", 400),
        (f"{LIST}?layers=platinum", 400),
        ("/api/executions/none/quality", 404),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_told(admin: TestClient, path: str, status: int) -> None:
    assert admin.get(path).status_code == status


def test_rows_of_a_table_whose_job_makes_it_no_more_are_not_guessed(admin: TestClient, database: Database) -> None:
    published(database, 1)
    [gold] = admin.get(LIST, params={"layers": "gold"}).json()["assets"]
    answer = admin.get(f"/api/data-assets/{gold['id']}/sample")
    assert (answer.status_code, "belongs to no job" in answer.json()["detail"]) == (409, True)


def test_lists_and_details_take_as_many_queries_for_many_as_for_one(admin: TestClient, database: Database) -> None:
    def queries(path: str) -> int:
        sent: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            sent.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        assert admin.get(path).status_code == 200
        event.remove(database.engine, "before_cursor_execute", note)
        return len(sent)

    published(database, 1)
    [gold] = admin.get(LIST, params={"layers": "gold"}).json()["assets"]
    paths = (LIST, f"/api/data-assets/{gold['id']}", f"/api/data-assets/lineage?assetId={gold['id']}")
    few = [queries(path) for path in paths]
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO catalog_assets (layer, table_name, environment, workflow_id, job_id, execution_id, parent_tables)"
            " SELECT 'gold', 'copy_' || n, 'dev', 'wf_0', 'orders', 'exec_0', '[\"silver.shop_0_orders\"]'"
            " FROM generate_series(1, 60) AS n"
        )
    assert [queries(path) for path in paths] == few
