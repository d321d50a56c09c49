"""What an acceptance test of the product checks first, by its numbers there, over HTTP against the running local stack."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import polars as pl
import pytest
from sqlalchemy import Connection, text

from flowforge.cli.stack_api import StackApi
from flowforge.lake import keys
from flowforge.local.api_endpoints import API, API_TOKEN
from flowforge.local.connection import DATABASE
from flowforge.local.project import find_project
from flowforge.local.stack import LocalStack
from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.tokens import create_token
from flowforge.model.environment import Environment
from flowforge.model.role import Role

ORDERS = "order_id,day,amount\n1,2026-11-01,10.50\n2,2026-11-02,20.00\n2,2026-11-02,21.00\n3,2026-11-03,\n"
ENDED = ("succeeded", "failed", "cancelled")
SECONDS = 90.0

pytestmark = pytest.mark.usefixtures("stacks_on_the_server_of_the_tests")


class Product:
    """The product as a client of its API sees it, and what lies behind it."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.token = stack.endpoints[API_TOKEN]
        self.api = httpx2.Client(
            base_url=stack.endpoints[API], headers={"Authorization": f"Bearer {self.token}"}, timeout=30, trust_env=False
        )
        self.lake = stack.lake()
        self.database = stack.database(pool_size=4)

    def ask(self, method: str, path: str, expected: int = 200, **given: Any) -> Any:
        answer = self.api.request(method, path, **given)
        assert answer.status_code == expected, answer.text
        return answer.json()

    def make(self, name: str, *jobs: dict[str, Any], **fields: Any) -> str:
        """A workflow whose datasets are its own; its id."""
        defined = []
        for job in jobs or ({"id": "job_orders", "name": "Orders"},):
            destination = dict(job.get("destinationConfig", {}))
            destination["goldConfig"] = {"domain": name, **destination.get("goldConfig", {})}
            defined.append({**job, "destinationConfig": destination})
        body = {"id": f"wf_{name}", "name": name, "jobs": defined, **fields}
        return str(self.ask("POST", "/api/workflows", 201, json=body)["id"])

    def upload(self, workflow_id: str, content: str, *, name: str = "orders.csv", job_id: str = "job_orders") -> dict[str, Any]:
        body = {"workflowId": workflow_id, "jobId": job_id, "fileName": name, "size": len(content.encode())}
        told = self.ask("POST", "/api/upload", 201, json=body)
        form = told["form"]
        with httpx2.Client(trust_env=False) as anybody:
            sent = anybody.post(form["url"], data=form["fields"], files={"file": (name, content.encode())})
        assert sent.status_code == 201, sent.text
        return dict(self.ask("POST", f"/api/upload/{told['uploadId']}/complete"))

    def run(self, workflow_id: str, **headers: str) -> str:
        return str(self.ask("POST", f"/api/workflows/{workflow_id}/run", 202, headers=headers)["executionId"])

    def finished(self, execution_id: str) -> dict[str, Any]:
        """The execution, once it has ended."""
        wait_until(lambda: self.stored(execution_id) in ENDED)
        return dict(self.ask("GET", f"/api/executions/{execution_id}"))

    def ran(self, workflow_id: str) -> dict[str, Any]:
        return self.finished(self.run(workflow_id))

    def stored(self, execution_id: str) -> str | None:
        """The state that is recorded, looked up where no page looks."""
        query, given = text("SELECT status::text FROM executions WHERE id = :id"), {"id": execution_id}
        found: str | None = self.query(lambda it: it.execute(query, given).scalar())
        return found

    def tables(self, workflow_id: str, count: int) -> list[dict[str, Any]]:
        """The tables of a workflow, which are told a moment after the state of the step that made them."""
        params = {"workflowIds": workflow_id}
        wait_until(lambda: len(self.ask("GET", "/api/data-assets/list", params=params)["assets"]) == count)
        return list(self.ask("GET", "/api/data-assets/list", params=params)["assets"])

    def query(self, ask: Callable[[Connection], Any]) -> Any:
        with self.database.transaction() as connection:
            return ask(connection)

    def rows(self, key: str) -> pl.DataFrame:
        return pl.read_parquet(self.lake.uri(key), storage_options=self.lake.storage_options, hive_partitioning=False)

    def keys(self, prefix: str) -> list[str]:
        return [item.key for item in self.lake.list_objects(prefix)]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + SECONDS, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"it did not happen within {SECONDS} s"
        pause.wait(0.05)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with LocalStack(find_project(), tmp_path_factory.mktemp("state"), shared=True, served=StackApi(0)) as stack:
        product = Product(stack)
        yield product
        product.api.close()
        product.database.close()


def keyed(**silver: Any) -> dict[str, Any]:
    config = {"primaryKey": "order_id", **silver}
    return {"id": "job_orders", "name": "Orders", "destinationConfig": {"silverConfig": config}}


def broken() -> dict[str, Any]:
    """A job that Silver refuses: no row may break its rule."""
    rule = {"name": "there is an amount", "ruleType": "not_null", "column": "amount"}
    return {**keyed(), "validationConfig": {"dataQualityRules": [rule], "maxErrorRate": 0}}


def test_behaviour_01_one_upload_and_one_run_leave_each_layer_at_its_key_with_counts_that_agree(product: Product) -> None:
    workflow = product.make("once", keyed())
    told = product.upload(workflow, ORDERS)
    assert (told["filepath"], told["rowCount"], told["columnCount"]) == ("landing/wf_once/job_orders/orders.csv", 4, 3)
    execution = product.ran(workflow)
    [job] = execution["jobExecutions"]
    day = execution["startTime"][:10].replace("-", "")
    assert (execution["status"], job["bronzeFilePath"], job["silverFilePath"], job["goldFilePath"]) == (
        "succeeded",
        f"bronze/once/orders/{day}/once_orders_{job['runId']}_v001.parquet",
        f"silver/once/orders/{day}/once_orders_{job['runId']}.parquet",
        f"gold/once/orders/{day}/orders_{job['runId']}.parquet",
    )
    expected = {"bronze": 4, "silver": 3, "gold": 3}
    assert {layer: product.rows(job[f"{layer}FilePath"]).height for layer in expected} == expected
    assert {layer: job[f"{layer}Records"] for layer in expected} == expected
    assert {asset["layer"]: asset["rowCount"] for asset in product.tables(workflow, 3)} == expected
    assert execution["totalRecords"] == 4


def test_behaviour_02_a_run_is_answered_at_once_and_its_state_moves_without_anyone_looking(product: Product) -> None:
    workflow = product.make("moves", keyed())
    product.upload(workflow, ORDERS)
    answer = product.ask("POST", f"/api/workflows/{workflow}/run", 202)
    assert (answer["success"], answer["status"] in ("waiting", "pending", "running")) == (True, True)
    wait_until(lambda: product.stored(answer["executionId"]) == "succeeded")

    refused = product.make("refused", broken())
    product.upload(refused, ORDERS)
    failed = product.run(refused)
    wait_until(lambda: product.stored(failed) == "failed")
    assert "there is an amount" in product.ask("GET", f"/api/executions/{failed}")["cause"]

    stopped = product.run(workflow)
    wait_until(lambda: product.stored(stopped) is not None)
    arn = product.stack.machine().execution_arn(stopped)
    product.stack.client("stepfunctions").stop_execution(executionArn=arn, error="Stopped", cause="by an operator of AWS")
    wait_until(lambda: product.stored(stopped) in ENDED)
    told = product.ask("GET", f"/api/executions/{stopped}")
    # It may have succeeded before it could be stopped.
    assert told["status"] == "succeeded" or (told["status"], told["cause"]) == ("cancelled", "by an operator of AWS")


def test_behaviour_03_a_failing_step_ends_its_job_and_leaves_what_was_there(product: Product) -> None:
    workflow = product.make("fails", broken())
    product.upload(workflow, ORDERS)
    execution = product.ran(workflow)
    [job] = execution["jobExecutions"]
    assert (execution["status"], job["status"], job["failedStep"]) == ("failed", "failed", "silver_transform")
    assert "there is an amount" in job["error"]
    assert [(step["step"], step["status"]) for step in job["steps"]] == [
        ("bronze_ingest", "succeeded"),
        ("silver_transform", "failed"),
    ]
    assert product.rows(job["bronzeFilePath"]).height == 4
    assert (product.keys("silver/fails/"), product.keys("gold/fails/")) == ([], [])
    record = product.lake.read(keys.record_key(execution["id"]))
    assert record is not None
    assert json.loads(record[0])["status"] == "failed"

    # Mended, it goes on where it failed: Bronze is what it was.
    before = set(product.keys("bronze/fails/"))
    etag = product.api.get(f"/api/workflows/{workflow}").headers["ETag"]
    change = {"name": "Orders", "validationConfig": {}}
    product.ask("PATCH", f"/api/workflows/{workflow}/jobs/job_orders", json=change, headers={"If-Match": etag})
    redriven = product.ask("POST", f"/api/executions/{execution['id']}/redrive", 202)
    assert redriven["redrive"] == 1
    again = product.finished(execution["id"])
    # A redrive keeps the plan, and with it the rule that the plan has.
    assert (again["status"], again["redrive"], set(product.keys("bronze/fails/"))) == ("failed", 1, before)
    assert product.ran(workflow)["status"] == "succeeded"


def test_behaviour_08_a_repeated_wish_a_repeated_message_and_a_repeated_step_change_nothing(product: Product) -> None:
    workflow = product.make("repeats", keyed(mergeStrategy="merge"))
    product.upload(workflow, ORDERS)
    names = {product.run(workflow, **{"Idempotency-Key": "monday"}) for _ in range(3)}
    [name] = names
    first = product.finished(name)
    stored = product.query(
        lambda it: it.execute(text("SELECT request FROM start_wishes WHERE execution_id = :id"), {"id": name}).scalar()
    )
    product.stack.start_queue().send_text(json.dumps(stored))
    lake_before = {item.key: item.etag for item in product.lake.list_objects("") if "repeats" in item.key}
    second = product.ran(workflow)
    listed = product.ask("GET", f"/api/workflows/{workflow}/executions")["executions"]
    assert [execution["id"] for execution in listed] == [second["id"], name]
    [job] = first["jobExecutions"]
    table = "silver/repeats/orders/current/repeats_orders_current.parquet"
    assert product.rows(table).height == 3
    for key, etag in lake_before.items():
        seen = product.lake.head(key)
        if "current" not in key and "_head" not in key:
            assert seen is not None
            assert seen.etag == etag
    assert job["runId"] != second["jobExecutions"][0]["runId"]


def test_behaviour_14_the_same_content_under_another_name_is_seen_and_told(product: Product) -> None:
    workflow = product.make("twice", keyed(mergeStrategy="merge"))
    product.upload(workflow, ORDERS, name="monday.csv")
    product.upload(workflow, ORDERS, name="tuesday.csv")
    product.upload(workflow, ORDERS.replace("10.50", "11.00"), name="wednesday.csv")
    [job] = product.ask("GET", f"/api/workflows/{workflow}/landing-files")["filesByJob"].values()
    assert {file["status"] for file in job} <= {"landed", None}
    product.ran(workflow)
    [job] = product.ask("GET", f"/api/workflows/{workflow}/landing-files")["filesByJob"].values()
    found = {file["filename"]: (file["status"], file["duplicateOf"]) for file in job}
    assert found == {
        "monday.csv": ("completed", None),
        "tuesday.csv": ("completed", "monday.csv"),
        "wednesday.csv": ("completed", None),
    }


def test_behaviour_17_jobs_run_in_their_order_and_a_layer_that_is_off_is_skipped(product: Product) -> None:
    def job(name: str, order: int, **gold: Any) -> dict[str, Any]:
        return {
            "id": f"job_{name}",
            "name": name,
            "order": order,
            "destinationConfig": {"silverConfig": {"primaryKey": "order_id"}, "goldConfig": gold},
        }

    workflow = product.make("ordered", job("late", 2), job("early", 1), job("beside", 1, enabled=False))
    for name in ("late", "early", "beside"):
        product.upload(workflow, ORDERS, job_id=f"job_{name}")
    execution = product.ran(workflow)
    jobs = {found["jobId"]: found for found in execution["jobExecutions"]}
    assert [found["jobId"] for found in execution["jobExecutions"]][-1] == "job_late"
    assert {found["status"] for found in jobs.values()} == {"succeeded"}
    first_of_late = min(step["startedAt"] for step in jobs["job_late"]["steps"])
    assert all(found["completedAt"] <= first_of_late for name, found in jobs.items() if name != "job_late")
    assert [step["step"] for step in jobs["job_beside"]["steps"]] == ["bronze_ingest", "silver_transform"]
    assert jobs["job_beside"]["goldFilePath"] is None


def test_behaviour_18_each_table_is_there_once_and_keeps_what_people_wrote(product: Product) -> None:
    workflow = product.make("tables", keyed(mergeStrategy="merge"))
    product.upload(workflow, ORDERS)
    product.ran(workflow)

    def listed() -> dict[str, dict[str, Any]]:
        found = product.tables(workflow, 3)
        assert len({(asset["layer"], asset["tableName"], asset["environment"]) for asset in found}) == len(found)
        return {asset["layer"]: asset for asset in found}

    assets = listed()
    assert ({*assets}, {asset["environment"] for asset in assets.values()}) == ({"bronze", "silver", "gold"}, {"dev"})
    assert {layer: asset["parentTables"] for layer, asset in assets.items() if layer != "bronze"} == {
        "silver": ["bronze.tables_orders"],
        "gold": ["silver.tables_orders"],
    }
    silver = f"/api/data-assets/{assets['silver']['id']}"
    seen = product.api.get(silver)
    types = {column["name"]: column["type"] for column in seen.json()["schema"]}
    assert (types["day"], types["amount"]) == ("date", "double")
    edit = {"description": "One row for each order", "tags": ["orders", "shop"], "owner": "sales"}
    product.ask("PATCH", silver, json=edit, headers={"If-Match": seen.headers["ETag"]})
    product.upload(workflow, ORDERS + "4,2026-11-04,7.00\n", name="more.csv")
    product.ran(workflow)
    after = listed()["silver"]
    assert {name: after[name] for name in edit} == edit
    assert (after["rowCount"], assets["silver"]["rowCount"]) == (4, 3)

    asked = product.stack.client("athena")
    query = "SELECT count(*), sum(amount) FROM flowforge_dev_silver.tables_orders"
    started = asked.start_query_execution(QueryString=query, WorkGroup="flowforge-dev")["QueryExecutionId"]
    wait_until(
        lambda: (
            asked.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]["State"] in ("SUCCEEDED", "FAILED")
        )
    )
    [_, row] = asked.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
    # Of order 2 the later row counts, of order 3 there is no amount.
    assert row["Data"][0]["VarCharValue"] == "4"
    assert float(row["Data"][1]["VarCharValue"]) == 10.50 + 21.00 + 7.00


def test_behaviour_19_no_secret_is_in_an_answer_a_log_an_input_or_the_database(product: Product) -> None:
    made = product.ask("POST", "/api/tokens", 201, json={"name": "nightly", "role": "operator"})
    password = str(re.fullmatch(r"[a-z]+://[^:]+:([^@]+)@.*", product.stack.endpoints[DATABASE])[1])  # type: ignore[index]
    secrets = (product.token, made["token"], password)
    workflow = product.make("quiet", keyed())
    product.upload(workflow, ORDERS)
    execution = product.ran(workflow)
    states = product.stack.client("stepfunctions")
    arn = product.stack.machine().execution_arn(execution["id"])
    told = [
        json.dumps(product.ask("GET", path))
        for path in ("/api/tokens", "/api/audit?limit=500", f"/api/executions/{execution['id']}", "/api/orchestration/overview")
    ]
    told.append(json.dumps(product.ask("GET", f"/api/executions/{execution['id']}/logs")))
    told.append(states.describe_execution(executionArn=arn)["input"])
    told += [json.dumps(page, default=str) for page in states.get_paginator("get_execution_history").paginate(executionArn=arn)]

    def all_rows(connection: Connection) -> list[str]:
        listed = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        tables = connection.execute(text(listed)).scalars().all()
        return [str(row) for table in tables for row in connection.execute(text(f'SELECT * FROM "{table}"'))]

    told += product.query(all_rows)
    told += [path.read_text(errors="replace") for path in product.stack._folder.logs.rglob("*") if path.is_file()]
    assert len(told) > 50
    assert [secret[:4] for secret in secrets for text_of in told if secret in text_of] == []


def test_behaviour_20_strangers_are_refused_roles_hold_and_every_change_is_written_down(product: Product) -> None:
    workflow = product.make("guarded")
    with httpx2.Client(base_url=product.stack.endpoints[API], trust_env=False) as anybody:
        for path in ("/api/workflows", "/api/data-assets/list", "/api/orchestration/overview", "/api/audit", "/api/docs"):
            assert anybody.get(path).status_code == 401
        assert anybody.get("/api/health").status_code == 200
        viewer = product.ask("POST", "/api/tokens", 201, json={"name": "looks", "role": "viewer"})
        seen = {"Authorization": f"Bearer {viewer['token']}"}
        assert anybody.get("/api/workflows", headers=seen).status_code == 200
        assert anybody.post(f"/api/workflows/{workflow}/run", headers=seen).status_code == 403
        assert anybody.get("/api/audit", headers=seen).status_code == 403
        elsewhere = product.query(lambda it: create_token(it, SYSTEM, "other stage", Role.ADMIN, Environment.QA))
        assert anybody.get("/api/workflows", headers={"Authorization": f"Bearer {elsewhere.secret}"}).status_code == 401
    other = {"id": "wf_prod", "name": "prod", "environment": "prod"}
    assert "this deployment is dev" in product.ask("POST", "/api/workflows", 400, json=other)["error"]
    etag = product.api.get(f"/api/workflows/{workflow}").headers["ETag"]
    product.ask("PATCH", f"/api/workflows/{workflow}", json={"team": "sales"}, headers={"If-Match": etag})
    lines = product.ask("GET", "/api/audit", params={"entityType": "workflow", "entityId": workflow})["entries"]
    assert [line["action"] for line in lines] == ["update", "create"]
    assert (lines[0]["before"]["settings"]["team"], lines[0]["after"]["settings"]["team"]) == ("", "sales")


def test_behaviour_24_numbers_and_pages_equal_what_is_stored(product: Product) -> None:
    workflow = product.make("numbers", keyed())
    product.upload(workflow, ORDERS)
    ids = [product.ran(workflow)["id"] for _ in range(3)]
    stored = product.query(
        lambda it: {row[0]: row[1] for row in it.execute(text("SELECT status::text, count(*) FROM executions GROUP BY status"))}
    )
    monitor = product.ask("GET", "/api/orchestration/monitor", params={"limit": 2})
    assert {name: count for name, count in monitor["stats"].items() if count} == stored
    assert monitor["pagination"]["total"] == sum(stored.values())
    seen = []
    for page in (1, 2):
        params: dict[str, Any] = {"workflowIds": workflow, "limit": 2, "page": page, "status": "succeeded"}
        found = product.ask("GET", "/api/orchestration/monitor", params=params)
        assert found["pagination"] == {"page": page, "limit": 2, "total": 3, "pages": 2}
        seen += [execution["id"] for execution in found["executions"]]
    assert seen == ids[::-1]
    assert product.ask("GET", "/api/orchestration/monitor", params={"search": ids[0]})["pagination"]["total"] == 1
    overview = product.ask("GET", "/api/orchestration/overview")
    assert overview["kpis"]["successfulRuns"]["value"] == stored["succeeded"]
    assert overview["kpis"]["failedRuns"]["value"] == stored.get("failed", 0)
    performance = product.ask("GET", "/api/orchestration/monitor/performance", params={"timeRange": "7d"})
    assert json.dumps(performance).count(workflow) >= 1
    logs = product.ask("GET", f"/api/executions/{ids[0]}/logs")
    assert "job_orders" in json.dumps(logs)
