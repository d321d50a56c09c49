"""The quarantine over HTTP: what was set aside and why, and what people decide on it."""

from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from flowforge.lake.lake import Lake
from flowforge.metadata.database import Database
from flowforge.metadata.run_state import record_job
from flowforge.metadata.wishes import cancel_wish, wish_of_execution
from flowforge.model.errors import DataFault
from flowforge.model.role import Role
from flowforge.model.run_state import JobState, RunError
from flowforge.model.run_status import JobStatus
from flowforge.model.start import StartRequest
from flowforge.model.step import Step
from flowforge.orchestration.run_door import RunDoor
from flowforge.orchestration.step_facts import record_failure_facts
from lab import JOB_ID, Lab, Run
from told_runs import begin, plan_of, stored, tell
from web_clients import As

ORDERS = "id,email\n1,a@x.de\n,b@x.de\n3,\n4,no\n"
RULES = {
    "dataQualityRules": [
        {"name": "has an address", "column": "email", "ruleType": "not_null"},
        {"name": "address", "column": "email", "ruleType": "pattern", "parameters": {"pattern": "@"}},
    ]
}


@pytest.fixture
def lab(lake: Lake) -> Lab:
    return Lab(lake, job={"validationConfig": RULES}, silver={"primaryKey": "id"})


@pytest.fixture
def run(database: Database, lab: Lab) -> Run:
    """A run that set three of four rows aside."""
    run = lab.ingest(ORDERS)
    run.silver()
    stored(database, lab)
    with database.transaction() as connection:
        begin(connection, run)
        for step in (Step.BRONZE_INGEST, Step.SILVER_TRANSFORM):
            assert tell(connection, run, step)
    return run


def listed(client: TestClient, **params: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/quarantine", params=params).json()["quarantines"]
    return found


@pytest.mark.usefixtures("run")
def test_the_quarantine_lists_objects_with_what_was_decided(admin: TestClient) -> None:
    answer = admin.get("/api/quarantine").json()
    [found] = answer["quarantines"]
    assert (answer["totalRows"], answer["pagination"]["total"]) == (3, 1)
    assert (found["workflowName"], found["jobName"], found["executionId"], found["holds"]) == ("Shop", "Orders", "exec_1", "rows")
    assert (found["rows"], found["quarantined"], found["isRefused"]) == (3, 3, False)
    assert admin.post("/api/quarantine/reject", json={"key": found["key"], "rows": [3], "note": "a robot"}).status_code == 200
    approved = admin.post("/api/quarantine/approve", json={"key": found["key"], "rows": [1]})
    assert approved.json() == {"success": True, "key": found["key"], "rows": 1, "status": "approved"}
    [now] = listed(admin)
    assert (now["quarantined"], now["approved"], now["rejected"], now["fixed"], now["replayed"]) == (1, 1, 1, 0, 0)
    for params, count in (
        ({"workflowIds": "wf_shop", "jobIds": JOB_ID}, 1),
        ({"workflowIds": "wf_other"}, 0),
        ({"executionIds": "exec_1", "holds": "rows"}, 1),
        ({"holds": "malformed"}, 0),
    ):
        assert len(listed(admin, **params)) == count, params


@pytest.mark.usefixtures("run")
def test_rows_show_their_values_reasons_and_reviews_page_by_page(admin: TestClient) -> None:
    key = listed(admin)[0]["key"]
    page = admin.get("/api/quarantine/rows", params={"key": key, "limit": 2}).json()
    assert (page["pagination"], page["columns"]) == ({"page": 1, "limit": 2, "total": 3, "pages": 2}, ["id", "email"])
    last = admin.get("/api/quarantine/rows", params={"key": key, "limit": 2, "page": 2}).json()["rows"]
    rows = page["rows"] + last
    assert [(row["number"], row["sourceFile"], row["rowNumber"], row["values"]["id"]) for row in rows] == [
        (1, "orders.csv", 2, None),
        (2, "orders.csv", 3, "3"),
        (3, "orders.csv", 4, "4"),
    ]
    assert [row["failedRules"] for row in rows] == [["primary_key(id)"], ["has an address"], ["address"]]
    assert all(row["reason"] and row["status"] == "quarantined" and row["review"] is None for row in rows)
    fix = {"key": key, "fixes": [{"number": 2, "values": {"email": "c@x.de"}}], "note": "asked them"}
    assert admin.post("/api/quarantine/fix", json=fix).json()["status"] == "fixed"
    by_status = {
        status: [row["number"] for row in admin.get("/api/quarantine/rows", params={"key": key, "status": status}).json()["rows"]]
        for status in ("quarantined", "fixed", "approved")
    }
    assert by_status == {"quarantined": [1, 3], "fixed": [2], "approved": []}
    [fixed] = admin.get("/api/quarantine/rows", params={"key": key, "status": "fixed"}).json()["rows"]
    assert (fixed["review"]["fixedValues"], fixed["review"]["note"], fixed["values"]["email"]) == (
        {"email": "c@x.de"},
        "asked them",
        None,
    )
    line = admin.get("/api/audit", params={"entityType": "quarantine"}).text
    assert "c@x.de" not in line


@pytest.mark.usefixtures("run")
def test_a_wrong_decision_says_what_is_wrong_with_it(client_as: As) -> None:
    operator, viewer = client_as(Role.OPERATOR), client_as(Role.VIEWER)
    key = listed(viewer)[0]["key"]
    assert viewer.post("/api/quarantine/approve", json={"key": key, "rows": [1]}).status_code == 403
    beyond = operator.post("/api/quarantine/approve", json={"key": key, "rows": [1, 9]})
    assert (beyond.status_code, beyond.json()["row"], "has 3 rows" in beyond.json()["detail"]) == (400, 9, True)
    unknown = operator.post("/api/quarantine/fix", json={"key": key, "fixes": [{"number": 1, "values": {"mail": "x"}}]})
    assert (unknown.status_code, unknown.json()["column"], "id, email" in unknown.json()["detail"]) == (400, "mail", True)
    for body in ({"key": key, "rows": []}, {"key": key, "rows": [0]}, {"rows": [1]}):
        assert operator.post("/api/quarantine/reject", json=body).status_code == 400
    for wrong in ("runs/exec_1/plan.json", "quarantine/../plan.json", key.replace("shop", "none"), "_"):
        assert operator.get("/api/quarantine/rows", params={"key": wrong}).status_code == 404
        assert operator.post("/api/quarantine/approve", json={"key": wrong, "rows": [1]}).status_code == 404


def test_records_that_could_not_be_read_are_shown_and_cannot_be_approved(admin: TestClient, database: Database, lab: Lab) -> None:
    lab.job["sourceConfig"] = {"fileConfig": {"onMalformedRow": "quarantine"}}
    run = lab.ingest("id,email\n1,a@x.de\n2,b@x.de,more\n")
    run.bronze()
    stored(database, lab)
    with database.transaction() as connection:
        begin(connection, run)
        tell(connection, run, Step.BRONZE_INGEST)
    [found] = listed(admin)
    assert (found["holds"], found["rows"], found["step"]) == ("malformed", 1, "bronze_ingest")
    [row] = admin.get("/api/quarantine/rows", params={"key": found["key"]}).json()["rows"]
    assert row["values"] == {"_line": 3, "_raw_text": "2,b@x.de,more"}
    assert admin.post("/api/quarantine/approve", json={"key": found["key"], "rows": [1]}).status_code == 409


def test_a_run_that_was_refused_as_a_whole_is_listed_with_its_rows(admin: TestClient, database: Database, lab: Lab) -> None:
    lab.job["validationConfig"] = {**RULES, "maxErrors": 1}
    run = lab.ingest(ORDERS)
    run.bronze()
    with pytest.raises(DataFault, match="3 of 4 rows"):
        run.step(Step.SILVER_TRANSFORM)
    stored(database, lab)
    with database.transaction() as connection:
        begin(connection, run)
        error = RunError(error="DataFault", message="3 of 4 rows are bad")
        record_job(connection, JobState(execution_id="exec_1", job_id=JOB_ID, status=JobStatus.FAILED, error=error))
        plan = plan_of(run)
        for _ in range(2):
            assert record_failure_facts(connection, plan, plan.job(JOB_ID), "DataFault", lab.lake)
    [found] = listed(admin)
    assert (found["isRefused"], found["rows"], found["holds"]) == (True, 3, "rows")
    assert len(admin.get("/api/quarantine/rows", params={"key": found["key"]}).json()["rows"]) == 3


def test_approved_and_fixed_rows_go_through_again_once(
    run: Run, admin: TestClient, database: Database, door: RunDoor, lab: Lab
) -> None:
    assert run.execution_id == "exec_1"
    key = listed(admin)[0]["key"]
    assert admin.post("/api/quarantine/replay", json={"key": key}).status_code == 409
    fixes = [{"number": 1, "values": {"id": "2"}}, {"number": 2, "values": {"email": "c@x.de"}}]
    assert admin.post("/api/quarantine/fix", json={"key": key, "fixes": fixes}).status_code == 200
    assert admin.post("/api/quarantine/reject", json={"key": key, "rows": [3]}).status_code == 200
    for rows in ([1, 3], [9]):
        assert admin.post("/api/quarantine/replay", json={"key": key, "rows": rows}).status_code == 409
    answer = admin.post("/api/quarantine/replay", json={"key": key})
    assert (answer.status_code, answer.json()["rows"], answer.json()["workflowId"]) == (202, 2, "wf_shop")
    execution_id = answer.json()["executionId"]
    with database.transaction() as connection:
        wish = wish_of_execution(connection, execution_id)
    assert wish is not None
    assert wish.request.replay is not None
    lab.replay_of(wish.request.replay, execution_id).silver()
    # The table of a run that sets rows aside takes them in where it is the newest still.
    assert sorted(lab.silver_table().select("id", "email").rows()) == [(1, "a@x.de"), (2, "b@x.de"), (3, "c@x.de")]
    [now] = listed(admin)
    assert (now["replayed"], now["rejected"], now["fixed"]) == (2, 1, 0)
    assert admin.post("/api/quarantine/replay", json={"key": key}).status_code == 409
    undone = admin.post("/api/quarantine/reject", json={"key": key, "rows": [1]})
    assert (undone.status_code, execution_id in undone.json()["detail"]) == (409, True)
    told = door.queue.client.receive_message(QueueUrl=door.queue.url, MaxNumberOfMessages=10)["Messages"]
    assert [StartRequest.model_validate_json(message["Body"]) for message in told] == [wish.request]


def test_a_replay_whose_wish_came_to_nothing_is_wished_anew(run: Run, admin: TestClient, database: Database) -> None:
    assert run.execution_id == "exec_1"
    key = listed(admin)[0]["key"]
    admin.post("/api/quarantine/approve", json={"key": key, "rows": [1]})
    first = admin.post("/api/quarantine/replay", json={"key": key}).json()["executionId"]
    with database.transaction() as connection:
        wish = wish_of_execution(connection, first)
        assert wish is not None
        cancel_wish(connection, wish.id, "not now")
    again = admin.post("/api/quarantine/replay", json={"key": key})
    assert (again.status_code, again.json()["executionId"] == first) == (202, False)


@pytest.mark.usefixtures("run")
def test_the_list_takes_as_many_queries_for_many_as_for_one(admin: TestClient, database: Database) -> None:
    def queries() -> int:
        sent: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            sent.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        assert admin.get("/api/quarantine").status_code == 200
        event.remove(database.engine, "before_cursor_execute", note)
        return len(sent)

    few = queries()
    with database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO executions (id, workflow_id, status) "
            "SELECT 'exec_m' || n, 'wf_shop', 'succeeded' FROM generate_series(1, 50) n"
        )
        connection.exec_driver_sql(
            "INSERT INTO job_executions (execution_id, job_id, workflow_id, status) "
            f"SELECT 'exec_m' || n, '{JOB_ID}', 'wf_shop', 'succeeded' FROM generate_series(1, 50) n"
        )
        connection.exec_driver_sql(
            "INSERT INTO step_results (execution_id, job_id, step, status, rows_set_aside, outputs) "
            f"SELECT 'exec_m' || n, '{JOB_ID}', 'silver_transform', 'succeeded', 1, "
            "jsonb_build_array(jsonb_build_object('role', 'quarantine', 'key', 'k' || n, 'rows', 1, 'sizeBytes', 9)) "
            "FROM generate_series(1, 50) n"
        )
    assert queries() == few
    assert admin.get("/api/quarantine").json()["pagination"]["total"] == 51
