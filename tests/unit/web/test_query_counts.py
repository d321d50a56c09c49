"""Every list and detail takes as many queries for fifty workflows with their executions as for one."""

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import event
from starlette.testclient import TestClient

from bench.seeded_metadata import Seed, seed
from flowforge.metadata.database import Database
from flowforge.web.application import ROUTERS

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ASKED = {
    "/api/workflows": ("/api/workflows", "/api/workflows?includeLastExecution=true&search=workflow"),
    "/api/workflows/available-upstream": ("/api/workflows/available-upstream?excludeWorkflowId=wf_0",),
    "/api/workflows/{workflow_id}": ("/api/workflows/wf_0",),
    "/api/workflows/{workflow_id}/definition": ("/api/workflows/wf_0/definition",),
    "/api/workflows/{workflow_id}/executions": ("/api/workflows/wf_0/executions",),
    "/api/workflows/{workflow_id}/jobs": ("/api/workflows/wf_0/jobs",),
    "/api/workflows/{workflow_id}/jobs/{job_id}": ("/api/workflows/wf_0/jobs/orders",),
    "/api/orchestration/overview": ("/api/orchestration/overview?timeZone=Europe/Berlin",),
    "/api/orchestration/monitor": (
        "/api/orchestration/monitor",
        "/api/orchestration/monitor?search=workflow&status=succeeded",
    ),
    "/api/orchestration/monitor/performance": ("/api/orchestration/monitor/performance?timeRange=90d",),
    "/api/orchestration/monitor/{execution_id}": ("/api/orchestration/monitor/exec_1",),
    "/api/data-assets/list": ("/api/data-assets/list", "/api/data-assets/list?qualityStatus=passed&layers=silver"),
    "/api/data-assets/lineage": ("/api/data-assets/lineage?assetId=1",),
    "/api/data-assets/{asset_id}": ("/api/data-assets/1",),
    "/api/data-assets/{asset_id}/quality": ("/api/data-assets/1/quality",),
    "/api/quality/rules": ("/api/quality/rules",),
    "/api/executions/{execution_id}": ("/api/executions/exec_1",),
    "/api/executions/{execution_id}/quality": ("/api/executions/exec_1/quality",),
    "/api/quarantine": ("/api/quarantine", "/api/quarantine?workflowIds=wf_0&holds=rows"),
    "/api/audit": ("/api/audit",),
    "/api/me": ("/api/me",),
    "/api/tokens": ("/api/tokens",),
    "/api/users": ("/api/users",),
}
READING_THE_LAKE = {
    *("/api/data-assets/{asset_id}/sample", "/api/quarantine/rows", "/api/workflows/{workflow_id}/landing-files"),
    *("/api/executions/{execution_id}/logs", "/api/upload/{upload_id}", "/api/upload/{upload_id}/parts"),
}
"""Their rows are no rows of the database; their own tests count what they ask of it."""
OF_THE_SERVER = {
    *("/api/dead-letters", "/api/health", "/api/health/ready", "/api/openapi.json", "/api/docs", "/api/docs/{asset}"),
    "/api/session",
}


def test_every_route_that_reads_is_counted_here() -> None:
    reading = {
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
    }
    assert reading - OF_THE_SERVER - READING_THE_LAKE == set(ASKED)


@pytest.fixture
def queries(admin: TestClient, database: Database) -> Any:
    """How many statements an answer takes."""

    def count(path: str) -> int:
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            sent.append(statement)

        event.listen(database.engine, "before_cursor_execute", note)
        answer = admin.get(path)
        event.remove(database.engine, "before_cursor_execute", note)
        assert answer.status_code == 200, (path, answer.text)
        return len(sent)

    return count


def test_fifty_workflows_take_as_many_queries_as_one(admin: TestClient, database: Database, queries: Any) -> None:
    paths = [path for asked in ASKED.values() for path in asked]
    with database.transaction() as connection:
        seed(connection, Seed(workflows=1, executions=1, now=datetime.now(UTC)))
    # The first use of a token is noted, which is a query more.
    admin.get("/api/workflows")
    few = {path: queries(path) for path in paths}
    with database.transaction() as connection:
        connection.exec_driver_sql("TRUNCATE workflows, executions, catalog_assets RESTART IDENTITY CASCADE")
        seed(connection, Seed(workflows=50, executions=500, now=datetime.now(UTC)))
    assert admin.get("/api/orchestration/monitor").json()["pagination"]["total"] == 500
    assert len(admin.get("/api/quarantine").json()["quarantines"]) > 10
    assert {path: queries(path) for path in paths} == few
    assert max(few.values()) <= 12
