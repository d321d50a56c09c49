"""Executions over HTTP: what was told of them, in a constant number of queries."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from flowforge.metadata.database import Database
from flowforge.metadata.run_state import record_execution, record_job, record_plan, record_step
from flowforge.model.run_state import ExecutionState, JobState, RunError, StepState
from flowforge.model.run_status import ExecutionStatus, JobStatus
from flowforge.model.step import Step
from flowforge.model.tier import Tier

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
JOBS = [{"id": "job_orders", "name": "Orders"}, {"id": "job_items", "name": "Items"}]


def run(database: Database, execution_id: str, workflow_id: str = "wf_shop") -> None:
    """An execution of which the second job failed in Bronze."""
    with database.transaction() as connection:
        told = ExecutionState(
            execution_id=execution_id, workflow_id=workflow_id, status=ExecutionStatus.RUNNING, started_at=NOON, planned_at=NOON
        )
        record_plan(connection, told, {job["id"]: f"run-{job['id']}" for job in JOBS})
        step: dict[str, Any] = {"execution_id": execution_id, "step": Step.BRONZE_INGEST, "tier": Tier.LAMBDA, "attempt": 1}
        record_step(
            connection,
            StepState(
                **step,
                job_id="job_orders",
                status=JobStatus.SUCCEEDED,
                started_at=NOON,
                duration_seconds=1.5,
                rows_read=10,
                rows_written=9,
                rows_set_aside=1,
                outputs=[{"role": "bronze", "key": "bronze/shop/orders/a.parquet"}],
            ),
        )
        record_job(
            connection,
            JobState(
                execution_id=execution_id,
                job_id="job_orders",
                status=JobStatus.SUCCEEDED,
                started_at=NOON,
                ended_at=NOON + timedelta(seconds=2),
            ),
        )
        error = RunError(error="DataFault", message="row 2 is too long", file="items.csv", row=2)
        record_step(connection, StepState(**step, job_id="job_items", status=JobStatus.FAILED, error=error))
        failed = JobState(
            execution_id=execution_id,
            job_id="job_items",
            status=JobStatus.FAILED,
            failed_step=Step.BRONZE_INGEST,
            error=error,
        )
        record_job(connection, failed)
        ended = told.model_copy(
            update={
                "status": ExecutionStatus.FAILED,
                "ended_at": NOON + timedelta(seconds=3),
                "error": "WorkflowFailed",
                "cause": "1 of 2 jobs failed",
            }
        )
        record_execution(connection, ended)


@pytest.fixture
def shop(admin: TestClient) -> TestClient:
    for name in ("Shop", "Store"):
        gold = {"destinationConfig": {"goldConfig": {"domain": name.lower()}}}
        body = {"name": name, "id": f"wf_{name.lower()}", "jobs": [{**job, **gold} for job in JOBS]}
        assert admin.post("/api/workflows", json=body).status_code == 201
    return admin


def test_an_execution_shows_its_jobs_steps_and_why_it_failed(shop: TestClient, database: Database) -> None:
    run(database, "exec_1")
    told = shop.get("/api/orchestration/monitor/exec_1").json()
    assert (told["status"], told["duration"], told["cause"]) == ("failed", 3000, "1 of 2 jobs failed")
    assert (told["totalJobs"], told["completedJobs"], told["failedJobs"], told["totalRecords"]) == (2, 1, 1, 10)
    orders, items = told["jobExecutions"]
    assert (orders["jobName"], orders["status"], orders["durationMs"], orders["bronzeRecords"]) == (
        "Orders",
        "succeeded",
        2000,
        9,
    )
    assert (orders["bronzeFilePath"], orders["silverFilePath"]) == ("bronze/shop/orders/a.parquet", None)
    assert (items["failedStep"], items["error"]) == ("bronze_ingest", "DataFault: row 2 is too long")
    [step] = items["steps"]
    assert (step["error"]["file"], step["error"]["row"], step["tier"], step["attempt"]) == ("items.csv", 2, "lambda", 1)
    [listed] = shop.get("/api/workflows/wf_shop/executions").json()["executions"]
    assert listed == told


def test_the_monitor_filters_counts_and_pages_exactly(shop: TestClient, database: Database) -> None:
    for number in range(3):
        run(database, f"exec_{number}")
    run(database, "exec_store", "wf_store")
    with database.transaction() as connection:
        running = ExecutionState(execution_id="exec_now", workflow_id="wf_store", status=ExecutionStatus.RUNNING)
        record_execution(connection, running)
    everything = shop.get("/api/orchestration/monitor", params={"limit": 2, "page": 2}).json()
    assert everything["pagination"] == {"page": 2, "limit": 2, "total": 5, "pages": 3}
    assert (everything["stats"]["failed"], everything["stats"]["running"], everything["stats"]["succeeded"]) == (4, 1, 0)
    for params, ids in (
        ({"status": "running"}, ["exec_now"]),
        ({"workflowIds": "wf_store", "status": ["failed", "running"]}, ["exec_now", "exec_store"]),
        ({"search": "stor", "timeRange": "1h"}, ["exec_now", "exec_store"]),
        ({"search": "exec_2"}, ["exec_2"]),
        ({"search": "%"}, []),
    ):
        found = shop.get("/api/orchestration/monitor", params=params).json()["executions"]
        assert [item["id"] for item in found] == ids, params


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/orchestration/monitor/exec_no", 404),
        ("/api/workflows/wf_no/executions", 404),
        ("/api/orchestration/monitor?status=completed", 400),
        ("/api/orchestration/monitor?timeRange=1y", 400),
        ("/api/orchestration/monitor?page=0", 400),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_told(shop: TestClient, path: str, status: int) -> None:
    assert shop.get(path).status_code == status


def test_a_list_takes_as_many_queries_for_many_as_for_one(shop: TestClient, database: Database) -> None:
    def queries(path: str) -> int:
        sent: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            sent.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        assert shop.get(path).status_code == 200
        event.remove(database.engine, "before_cursor_execute", note)
        return len(sent)

    paths = ("/api/orchestration/monitor", "/api/workflows/wf_shop/executions", "/api/workflows?includeLastExecution=true")
    run(database, "exec_first")
    few = [queries(path) for path in paths]
    for number in range(5):
        run(database, f"exec_{number}")
    assert [queries(path) for path in paths] == few
