"""Runs over HTTP: wished once, waiting their turn, cancelled, gone on with; and what could not be understood."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from flowforge.metadata.run_state import record_execution
from flowforge.model.errors import ConfigFault
from flowforge.model.role import Role
from flowforge.model.run_state import ExecutionState
from flowforge.model.run_status import ExecutionStatus
from flowforge.orchestration.run_door import RunDoor
from flowforge.orchestration.start_messages import StartMessages
from flowforge.web.services import Services
from machines import Executions
from web_clients import As

RUN = "/api/workflows/wf_shop/run"


@pytest.fixture
def shop(admin: TestClient) -> TestClient:
    job = {"id": "job_orders", "name": "Orders"}
    assert admin.post("/api/workflows", json={"name": "Shop", "id": "wf_shop", "jobs": [job]}).status_code == 201
    return admin


def handle_messages(door: RunDoor) -> list[str]:
    """Do what the function of the queue does with all that lies there; the bodies."""
    messages, bodies = StartMessages("data", door.starter, door.dead_letters), []
    while received := door.queue.client.receive_message(QueueUrl=door.queue.url, MaxNumberOfMessages=10).get("Messages", []):
        for message in received:
            messages.handle(message["Body"])
            door.queue.client.delete_message(QueueUrl=door.queue.url, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(message["Body"])
    return bodies


def end(services: Services, execution_id: str, status: ExecutionStatus) -> None:
    with services.transaction() as connection:
        record_execution(connection, ExecutionState(execution_id=execution_id, status=status))


def wished(client: TestClient, **headers: str) -> dict[str, Any]:
    answer = client.post(RUN, headers=headers)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def test_a_run_is_answered_at_once_and_is_found_under_its_id(shop: TestClient, door: RunDoor, runs: Executions) -> None:
    told = wished(shop)
    assert (told["success"], told["status"], told["wish"]["status"]) == (True, "waiting", "waiting")
    assert told["jobResults"] == [{"jobId": "job_orders", "jobName": "Orders", "status": "pending"}]
    assert shop.get(f"/api/executions/{told['executionId']}").json()["status"] == "waiting"
    handle_messages(door)
    seen = shop.get(f"/api/executions/{told['executionId']}").json()
    assert (seen["status"], list(runs.ran)) == ("pending", [told["executionId"]])
    [line] = shop.get("/api/workflows/wf_shop/executions").json()["executions"]
    assert line["id"] == told["executionId"]


def test_two_requests_with_one_key_are_one_run_and_two_without_are_two(shop: TestClient, door: RunDoor, runs: Executions) -> None:
    first, second = (wished(shop, **{"Idempotency-Key": "monday"}) for _ in range(2))
    assert first["executionId"] == second["executionId"]
    assert len(handle_messages(door)) == 2
    assert list(runs.ran) == [first["executionId"]]
    assert wished(shop, **{"Idempotency-Key": "monday"})["status"] == "pending"
    assert len({wished(shop)["executionId"] for _ in range(2)}) == 2


def test_one_key_for_two_different_wishes_is_refused(shop: TestClient) -> None:
    wished(shop, **{"Idempotency-Key": "monday"})
    files = {"files": {"job_orders": ["landing/wf_shop/job_orders/a.csv"]}}
    answer = shop.post(RUN, json=files, headers={"Idempotency-Key": "monday"})
    assert (answer.status_code, "was used for another wish" in answer.json()["detail"]) == (412, True)


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("/api/workflows/wf_gone/run", None, 404, "there is no workflow wf_gone"),
        (RUN, {"files": {"job_gone": ["a"]}}, 400, "has no job job_gone"),
        (RUN, {"colour": 1}, 400, "colour"),
    ],
)
def test_what_can_never_run_is_refused(shop: TestClient, path: str, body: Any, status: int, told: str) -> None:
    answer = shop.post(path, json=body)
    assert (answer.status_code, told in answer.json()["error"]) == (status, True)


def test_one_job_runs_alone(shop: TestClient, door: RunDoor, runs: Executions) -> None:
    told = shop.post("/api/jobs/job_orders/execute")
    assert (told.status_code, [job["jobId"] for job in told.json()["jobResults"]]) == (202, ["job_orders"])
    handle_messages(door)
    assert json.loads(runs.ran[told.json()["executionId"]].input)["jobs"] == ["job_orders"]
    assert shop.post("/api/jobs/job_gone/execute").status_code == 404
    twin = {"id": "job_orders", "name": "Orders", "destinationConfig": {"goldConfig": {"domain": "twin"}}}
    assert shop.post("/api/workflows", json={"name": "Twin", "jobs": [twin]}).status_code == 201
    assert shop.post("/api/jobs/job_orders/execute").status_code == 409


def test_a_workflow_without_jobs_cannot_run(admin: TestClient) -> None:
    assert admin.post("/api/workflows", json={"name": "Shop", "id": "wf_shop"}).status_code == 201
    answer = admin.post(RUN)
    assert (answer.status_code, answer.json()["error"]) == (400, "the workflow Shop has no jobs to run")


def test_a_run_that_waits_is_withdrawn_and_one_that_runs_is_stopped(
    shop: TestClient, services: Services, door: RunDoor, runs: Executions
) -> None:
    running, waiting = wished(shop)["executionId"], wished(shop)["executionId"]
    handle_messages(door)
    assert [shop.get(f"/api/executions/{each}").json()["status"] for each in (running, waiting)] == ["pending", "waiting"]
    for each in (waiting, running):
        assert shop.post(f"/api/executions/{each}/cancel", json={"reason": "a mistake"}).status_code == 202
    withdrawn = shop.get(f"/api/executions/{waiting}").json()
    assert (withdrawn["status"], "a mistake" in withdrawn["cause"]) == ("cancelled", True)
    assert runs.ran[running].status == "ABORTED"
    seen = shop.get(f"/api/executions/{running}").json()
    assert seen["cancelRequestedBy"] is not None
    end(services, running, ExecutionStatus.CANCELLED)
    refused = shop.post(f"/api/executions/{running}/cancel")
    assert (refused.status_code, "has ended" in refused.json()["error"]) == (409, True)
    actions = [line["action"] for line in shop.get("/api/audit", params={"entityType": "execution"}).json()["entries"]]
    assert actions == ["cancel", "cancel"]


def test_a_failed_run_is_gone_on_with_under_its_own_id(
    shop: TestClient, services: Services, door: RunDoor, runs: Executions
) -> None:
    failed = wished(shop)["executionId"]
    handle_messages(door)
    assert shop.post(f"/api/executions/{failed}/redrive").status_code == 409
    runs.end(failed, "FAILED")
    end(services, failed, ExecutionStatus.FAILED)
    answer = shop.post(f"/api/executions/{failed}/redrive")
    assert (answer.status_code, answer.json()["redrive"]) == (202, 1)
    assert list(runs.ran) == [failed, f"{failed}-r1"]
    seen = shop.get(f"/api/executions/{failed}").json()
    assert (seen["status"], seen["redrive"]) == ("pending", 1)


def test_a_run_is_not_gone_on_with_beside_another_one(
    shop: TestClient, services: Services, door: RunDoor, runs: Executions
) -> None:
    failed = wished(shop)["executionId"]
    handle_messages(door)
    end(services, failed, ExecutionStatus.FAILED)
    other = wished(shop)["executionId"]
    handle_messages(door)
    answer = shop.post(f"/api/executions/{failed}/redrive")
    assert (answer.status_code, other in answer.json()["error"]) == (409, True)
    assert f"{failed}-r1" not in runs.ran


def test_what_was_put_aside_is_listed_with_its_reason_sent_again_and_given_up(
    shop: TestClient, door: RunDoor, runs: Executions
) -> None:
    wish = {"workflowId": "wf_later", "idempotencyKey": "k", "trigger": {"type": "manual"}}
    for body in ("<b>poison</b>", json.dumps(wish)):
        door.queue.send_text(body)
    handle_messages(door)
    door.dead_letters.put("third", ConfigFault("no luck"))
    listed = shop.get("/api/dead-letters").json()
    assert listed["total"] == 3
    by_reason = {letter["reason"]: letter for letter in listed["messages"]}
    later = by_reason["there is no workflow wf_later"]
    assert (later["body"], later["errorClass"]) == (wish, "NotThere")
    poison = next(letter for letter in listed["messages"] if letter["body"] == "<b>poison</b>")
    job = {"id": "job_later", "name": "Later"}
    assert shop.post("/api/workflows", json={"name": "Later", "id": "wf_later", "jobs": [job]}).status_code == 201
    assert shop.post(f"/api/dead-letters/{later['id']}/redrive").status_code == 202
    assert shop.delete(f"/api/dead-letters/{poison['id']}").status_code == 200
    assert shop.delete(f"/api/dead-letters/{poison['id']}").status_code == 404
    handle_messages(door)
    assert len(runs.ran) == 1
    assert [letter["reason"] for letter in shop.get("/api/dead-letters").json()["messages"]] == ["no luck"]


@pytest.mark.parametrize("path", [RUN, "/api/executions/exec_1/cancel", "/api/executions/exec_1/redrive"])
def test_a_viewer_starts_and_stops_nothing(client_as: As, path: str) -> None:
    assert client_as(Role.VIEWER).post(path).status_code == 403
