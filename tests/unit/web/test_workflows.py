"""Workflows and jobs over HTTP."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from flowforge.metadata.database import Database
from flowforge.metadata.run_state import record_execution
from flowforge.model.role import Role
from flowforge.model.run_state import ExecutionState
from flowforge.model.run_status import ExecutionStatus
from web_clients import As

ORDERS = {"id": "job_orders", "name": "Orders", "destinationConfig": {"silverConfig": {"primaryKey": "id"}}}


def made(admin: TestClient, **fields: Any) -> Any:
    answer = admin.post("/api/workflows", json={"name": "Shop", "id": "wf_shop", **fields})
    assert answer.status_code == 201, answer.text
    return answer


def test_a_workflow_comes_back_by_the_names_that_clients_know(admin: TestClient) -> None:
    answer = made(
        admin,
        description="What we sell",
        application="CRM",
        team="sales",
        workflowType="manual",
        environment="development",
        priority="high",
        dataClassification="confidential",
        notificationEmail="a@shop.example",
        tags=["x"],
        jobs=[ORDERS],
    )
    told = answer.json()
    assert answer.headers["Location"] == "/api/workflows/wf_shop"
    read = admin.get("/api/workflows/wf_shop")
    assert (read.json(), read.headers["ETag"]) == (told, answer.headers["ETag"])
    expected = {"name": "Shop", "slug": "shop", "owner": "sales", "environment": "dev", "status": "manual", "type": "manual"}
    assert {name: told[name] for name in expected} == expected
    [job] = told["jobs"]
    assert (job["id"], job["order"], job["workflowId"]) == ("job_orders", 1, "wf_shop")
    assert job["destinationConfig"]["silverConfig"]["primaryKey"] == ["id"]
    assert admin.get("/api/workflows/wf_shop/definition").json()["jobs"][0]["name"] == "Orders"


def test_pages_have_the_exact_total_and_the_newest_first(admin: TestClient) -> None:
    for number in range(5):
        made(admin, name=f"Shop {number}", id=f"wf_{number}", tags=["odd"] if number % 2 else [])
    page = admin.get("/api/workflows", params={"page": 2, "limit": 2}).json()
    assert [item["id"] for item in page["workflows"]] == ["wf_2", "wf_1"]
    assert page["pagination"] == {"page": 2, "limit": 2, "total": 5, "pages": 3}
    assert admin.get("/api/workflows", params={"tag": "odd"}).json()["pagination"]["total"] == 2
    choices = admin.get("/api/workflows/available-upstream", params={"excludeWorkflowId": "wf_0"}).json()["workflows"]
    assert [item["name"] for item in choices] == [f"Shop {number}" for number in range(1, 5)]


def test_the_last_execution_is_shown_where_it_is_asked_for(admin: TestClient, database: Database) -> None:
    made(admin)
    with database.transaction() as connection:
        record_execution(connection, ExecutionState(execution_id="exec_1", workflow_id="wf_shop", status=ExecutionStatus.RUNNING))
    [shown] = admin.get("/api/workflows", params={"includeLastExecution": True}).json()["workflows"]
    assert (shown["lastExecution"]["id"], shown["lastExecution"]["status"]) == ("exec_1", "running")
    [shown] = admin.get("/api/workflows").json()["workflows"]
    assert shown["lastExecution"] is None
    refused = admin.delete("/api/workflows/wf_shop")
    assert (refused.status_code, "exec_1" in refused.json()["detail"]) == (409, True)


def test_a_change_leaves_what_was_not_sent_and_needs_the_version(admin: TestClient) -> None:
    first = made(admin, description="old", tags=["x"]).headers["ETag"]
    changed = admin.patch("/api/workflows/wf_shop", json={"name": "Shop 2", "priority": "low"}, headers={"If-Match": first})
    told = changed.json()
    assert (told["name"], told["slug"], told["description"], told["tags"], told["priority"]) == (
        "Shop 2",
        "shop",
        "old",
        ["x"],
        "low",
    )
    late = admin.patch("/api/workflows/wf_shop", json={"name": "Shop 3"}, headers={"If-Match": first})
    blind = admin.patch("/api/workflows/wf_shop", json={"name": "Shop 3"})
    strange = admin.patch("/api/workflows/wf_shop", json={}, headers={b"If-Match": b'"\xb2"'})
    assert [answer.status_code for answer in (late, blind, strange)] == [412, 428, 412]
    assert admin.get("/api/workflows/wf_shop").json()["name"] == "Shop 2"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "A", "priority": "urgent"}, "priority"),
        ({"name": "A", "colour": "red"}, "colour"),
        ({"name": "A", "environment": "prod"}, "environment"),
        ({"name": "A", "environment": "mars"}, "environment"),
        ({"name": "!!!"}, "slug"),
        ({"name": "A", "jobs": [{"name": "B", "sourceConfig": {"type": "fax"}}]}, "sourceConfig"),
    ],
)
def test_a_wrong_field_is_named(admin: TestClient, body: dict[str, Any], field: str) -> None:
    answer = admin.post("/api/workflows", json=body)
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert field in told["detail"] or told["field"] == field
    assert told["error"] == told["detail"]


def test_what_is_not_there_or_taken_is_told(admin: TestClient) -> None:
    made(admin)
    for path in ("/api/workflows/wf_no", "/api/workflows/wf_shop/jobs/job_no", "/api/nowhere"):
        assert admin.get(path).status_code == 404
    assert admin.post("/api/workflows", json={"name": "shop"}).status_code == 409
    assert admin.delete("/api/workflows/wf_shop").json() == {"success": True}
    assert admin.post("/api/workflows", json={"name": "shop"}).status_code == 409, "its data still lie there"
    assert admin.post("/api/workflows/wf_shop/purge").status_code == 200
    assert admin.post("/api/workflows", json={"name": "shop"}).status_code == 201


def test_jobs_are_added_changed_copied_and_deleted(admin: TestClient) -> None:
    etag = made(admin, jobs=[ORDERS]).headers["ETag"]
    path = "/api/workflows/wf_shop/jobs"
    added = admin.post(path, json={"name": "Items", "sourceConfig": {"type": "csv"}}, headers={"If-Match": etag})
    assert (added.status_code, added.json()["order"]) == (201, 2)
    changed = admin.patch(f"{path}/job_orders", json={"description": "all"}, headers={"If-Match": added.headers["ETag"]})
    assert (changed.json()["description"], changed.json()["name"]) == ("all", "Orders")
    assert changed.json()["destinationConfig"]["silverConfig"]["primaryKey"] == ["id"]
    copies = [admin.post(f"{path}/job_orders/clone").json() for _ in range(2)]
    assert [(copy["name"], copy["description"]) for copy in copies] == [
        ("Orders_copy", "all (cloned)"),
        ("Orders_copy2", "all (cloned)"),
    ]
    assert admin.delete(f"{path}/job_orders").status_code == 428
    etag = admin.get(f"{path}/job_orders").headers["ETag"]
    assert admin.delete(f"{path}/job_orders", headers={"If-Match": etag}).json()["jobId"] == "job_orders"
    assert admin.delete(f"/api/jobs/{copies[0]['id']}").json()["workflowId"] == "wf_shop"
    assert [job["name"] for job in admin.get(path).json()] == ["Items", "Orders_copy2"]


def test_every_change_is_in_the_audit_log_with_before_and_after(admin: TestClient, client_as: As) -> None:
    operator = client_as(Role.OPERATOR)
    etag = made(operator).headers["ETag"]
    answer = operator.patch(
        "/api/workflows/wf_shop", json={"name": "Shop 2"}, headers={"If-Match": etag, "X-Correlation-Id": "req-7"}
    )
    assert answer.headers["X-Correlation-Id"] == "req-7"
    operator.delete("/api/workflows/wf_shop")
    entries = admin.get("/api/audit", params={"entityType": "workflow", "entityId": "wf_shop"}).json()["entries"]
    assert [entry["action"] for entry in entries] == ["delete", "update", "create"]
    update = entries[1]
    assert (update["before"]["name"], update["after"]["name"], update["requestId"]) == ("Shop", "Shop 2", "req-7")
    assert update["actor"] == operator.get("/api/me").json()["name"]
    older = admin.get("/api/audit", params={"entityId": "wf_shop", "limit": 1, "before": entries[0]["id"]}).json()
    assert [entry["action"] for entry in older["entries"]] == ["update"]


def test_a_request_that_is_too_large_is_refused(admin: TestClient) -> None:
    answer = admin.post("/api/workflows", content=b"x" * (1 << 20) + b"y", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    streamed = admin.post(
        "/api/workflows", content=(b"x" * 65536 for _ in range(20)), headers={"Content-Type": "application/json"}
    )
    assert streamed.status_code == 413


def test_a_failure_of_ours_tells_nothing_of_itself(admin: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("the secret is hidden-value")

    monkeypatch.setattr("flowforge.web.routes.workflows.workflow", broken)
    answer = admin.get("/api/workflows/wf_shop")
    assert (answer.status_code, "hidden-value" in answer.text) == (500, False)
    assert answer.json()["requestId"] in answer.json()["detail"]
