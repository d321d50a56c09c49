"""A workflow by its definition, over HTTP."""

from typing import Any

import yaml
from starlette.testclient import TestClient

from flowforge.local.project import find_project
from flowforge.model.role import Role
from web_clients import As

SHOP: dict[str, Any] = yaml.safe_load((find_project() / "examples" / "shop" / "workflow.yaml").read_text())
NEW = {"If-None-Match": "*"}


def put(client: TestClient, definition: dict[str, Any], etag: str | None = None) -> Any:
    return client.put("/api/workflows/wf_shop", json=definition, headers={"If-Match": etag} if etag else NEW)


def definition(client: TestClient) -> Any:
    return client.get("/api/workflows/wf_shop/definition")


def audited(admin: TestClient) -> list[str]:
    return [line["action"] for line in admin.get("/api/audit", params={"entityType": "workflow"}).json()["entries"]]


def test_a_definition_makes_the_workflow_and_again_changes_nothing(admin: TestClient) -> None:
    made = put(admin, {**SHOP, "owner": "anna", "tags": ["sales"]})
    assert (made.status_code, made.headers["Location"]) == (201, "/api/workflows/wf_shop")
    assert [job["name"] for job in made.json()["jobs"]] == ["Customers", "Orders", "Payments"]
    read = definition(admin)
    assert (read.json()["owner"], read.json()["tags"], "team" in read.json()) == ("anna", ["sales"], False)
    again = put(admin, read.json(), read.headers["ETag"])
    assert (again.status_code, again.headers["ETag"]) == (200, made.headers["ETag"])
    assert audited(admin) == ["create"]


def test_what_a_definition_leaves_out_is_at_its_default_but_a_pause(admin: TestClient) -> None:
    put(admin, {**SHOP, "owner": "anna", "paused": True})
    etag = definition(admin).headers["ETag"]
    orders = {"name": "Orders of the shop", "id": "job_orders"}
    changed = put(admin, {"name": "Shop 2", "jobs": [orders, {"name": "Returns"}]}, etag).json()
    assert (changed["owner"], changed["paused"], changed["name"], changed["slug"]) == ("", True, "Shop 2", "shop")
    assert {(job["name"], job["slug"]) for job in changed["jobs"]} == {("Orders of the shop", "orders"), ("Returns", "returns")}
    assert put(admin, {"name": "Shop 2", "paused": False}, definition(admin).headers["ETag"]).json()["paused"] is False


def test_jobs_without_ids_are_found_by_their_slugs_deleted_ones_too(admin: TestClient) -> None:
    first = put(admin, {"name": "Shop", "jobs": [{"name": "Orders"}, {"name": "Returns"}]}).json()
    ids = {job["slug"]: job["id"] for job in first["jobs"]}
    without = put(admin, {"name": "Shop", "jobs": [{"name": "Orders", "order": 2}]}, '"1"').json()
    assert [(job["id"], job["order"]) for job in without["jobs"]] == [(ids["orders"], 2)]
    back = put(admin, {"name": "Shop", "jobs": [{"name": "Orders"}, {"name": "RETURNS"}]}, '"2"').json()
    assert {job["slug"]: job["id"] for job in back["jobs"]} == ids


def test_a_change_in_between_is_refused(admin: TestClient) -> None:
    etag = put(admin, SHOP).headers["ETag"]
    admin.patch("/api/workflows/wf_shop", json={"priority": "low"}, headers={"If-Match": etag})
    assert put(admin, {**SHOP, "name": "Mine"}, etag).status_code == 412
    assert put(admin, SHOP).status_code == 412
    assert admin.put("/api/workflows/wf_shop", json=SHOP).status_code == 428
    assert admin.put("/api/workflows/wf_shop", json=SHOP, headers={"If-Match": etag, **NEW}).status_code == 428
    assert admin.put("/api/workflows/wf_shop", json=SHOP, headers={"If-None-Match": '"1"'}).status_code == 428
    assert definition(admin).json()["name"] == "Shop"


def test_a_comparison_tells_what_would_change_and_changes_nothing(admin: TestClient, client_as: As) -> None:
    viewer = client_as(Role.VIEWER)
    new = viewer.post("/api/workflows/compare", json={"name": "Shop", "jobs": [{"name": "Orders"}]}).json()
    assert (new["version"], new["before"], len(new["jobs"]["added"])) == (None, None, 1)
    assert admin.get("/api/workflows").json()["pagination"]["total"] == 0
    put(admin, SHOP)
    customers, orders, _ = SHOP["jobs"]
    other = {"name": "Shop", "jobs": [customers, {**orders, "order": 3}, {"name": "Returns", "id": "job_returns"}]}
    told = viewer.post("/api/workflows/compare", json=other).json()
    assert (told["workflowId"], told["version"]) == ("wf_shop", 1)
    assert told["jobs"] == {"added": ["job_returns"], "changed": ["job_orders"], "removed": ["job_payments"]}
    assert told["before"] == definition(admin).json()
    assert put(admin, told["after"], '"1"').json()["version"] == 2
    assert definition(admin).json() == told["after"]
    assert audited(admin) == ["update", "create"]


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"slug": "store"}, 400, "cannot become store"),
    ({"id": "wf_other"}, 400, "not of wf_shop"),
    ({"colour": "red"}, 400, "colour"),
    ({"jobs": [{"name": "Orders", "id": "job_o", "order": "first"}]}, 400, "jobs[0]"),
    ({"jobs": [{"name": "!!!"}]}, 400, "jobs[0]"),
    ({"jobs": [{"id": "job_o"}]}, 400, "name"),
    ({"jobs": [{"name": "Orders", "id": "other"}]}, 409, "slug orders belongs to another job"),
    ({"schemaVersion": 2}, 400, "schemaVersion"),
]


def test_what_is_wrong_is_told(admin: TestClient) -> None:
    put(admin, SHOP)
    for wrong, status, said in WRONG:
        answer = put(admin, {"name": "Shop", **wrong}, '"1"')
        assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    assert definition(admin).headers["ETag"] == '"1"'


def test_options_that_ask_for_what_happens_anyway_do_no_harm(admin: TestClient) -> None:
    gold = {"exportEnabled": False}
    assert (
        put(admin, {"name": "Shop", "jobs": [{"name": "Orders", "destinationConfig": {"goldConfig": gold}}]}).status_code == 201
    )
