"""Log lines of an execution over HTTP, from the log groups of the functions."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from databases import shop
from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.database import Database
from flowforge.metadata.run_state import record_execution
from flowforge.metadata.tokens import create_token
from flowforge.model.environment import Environment
from flowforge.model.role import Role
from flowforge.model.run_state import ExecutionState
from flowforge.model.run_status import ExecutionStatus
from flowforge.orchestration.execution_logs import ExecutionLogs
from flowforge.web.application import create_application, guarded
from flowforge.web.services import Services
from web_clients import HOST

NOW = datetime.now(UTC).replace(microsecond=0)
PATH = "/api/executions/exec_1/logs"


def at(seconds: float) -> int:
    return int((NOW + timedelta(seconds=seconds)).timestamp() * 1000)


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """An execution is recorded when the test runs, which may be long after the module was read."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def logs(s3_url: str, aws: Any, request: pytest.FixtureRequest) -> Any:
    """A client of CloudWatch Logs with lines of two executions, in the groups of a stage of this test's own."""
    client = aws.client("logs", endpoint_url=s3_url)
    stage = f"t{abs(hash(request.node.nodeid)):x}"
    said = {"level": "INFO", "message": "converted", "correlation_id": "exec_1", "job_id": "orders"}
    lines = {
        "plan_execution": [(at(0), json.dumps({"level": "INFO", "message": "planned", "correlation_id": "exec_1"}))],
        "bronze_ingest": [
            (at(1), json.dumps(said)),
            (at(1), "exec_1: plain words of a library\n"),
            (at(2), json.dumps({**said, "correlation_id": "exec_other"})),
            (at(3), json.dumps({**said, "level": "ERROR", "message": "failed", "exception": "Traceback: DataFault"})),
        ],
        "record_event": [
            (at(1), json.dumps({"level": "INFO", "message": {"key": "runs/exec_1/record.json"}, "correlation_id": "exec_1"}))
        ],
    }
    for function, events in lines.items():
        group = f"/flowforge/{stage}/{function}"
        client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName="s")
        told = [{"timestamp": timestamp, "message": message} for timestamp, message in events]
        client.put_log_events(logGroupName=group, logStreamName="s", logEvents=told)
    return ExecutionLogs(stage, lambda: client)


@pytest.fixture
def reader(services: Services, logs: ExecutionLogs, database: Database) -> Iterator[TestClient]:
    with database.transaction() as connection:
        shop(connection, workflow_id="wf_shop")
        state = ExecutionState(
            execution_id="exec_1",
            workflow_id="wf_shop",
            status=ExecutionStatus.FAILED,
            started_at=NOW,
            ended_at=NOW + timedelta(seconds=4),
        )
        record_execution(connection, state)
        token = create_token(connection, SYSTEM, "reader", Role.VIEWER, Environment.DEV)
    app = guarded(create_application(replace(services, logs=logs)), [HOST])
    with TestClient(app, base_url=f"http://{HOST}", headers={"Authorization": f"Bearer {token.secret}"}) as client:
        yield client


def test_lines_of_all_functions_come_in_the_order_of_time(reader: TestClient) -> None:
    told = reader.get(PATH).json()
    assert [(line["function"], line["level"], line["message"]) for line in told["lines"]] == [
        ("plan_execution", "INFO", "planned"),
        ("bronze_ingest", "INFO", "converted"),
        ("bronze_ingest", None, "exec_1: plain words of a library"),
        ("record_event", "INFO", '{"key": "runs/exec_1/record.json"}'),
        ("bronze_ingest", "ERROR", "failed\nTraceback: DataFault"),
    ]
    assert (told["lines"][1]["jobId"], told["lines"][1]["step"]) == ("orders", "bronze_ingest")
    assert (told["next"], told["isComplete"]) == (None, True)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_tell_each_line_once_also_where_many_have_one_instant(reader: TestClient, limit: int) -> None:
    whole = reader.get(PATH).json()["lines"]
    lines, params = [], {"limit": str(limit)}
    for _ in range(10):
        page = reader.get(PATH, params=params).json()
        lines += page["lines"]
        if page["next"] is None:
            break
        params["next"] = page["next"]
    assert lines == whole


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WzEsMl0x"])
def test_a_cursor_that_no_page_told_is_refused(reader: TestClient, cursor: str) -> None:
    assert reader.get(PATH, params={"next": cursor}).status_code == 400


def test_a_server_without_logs_and_an_execution_that_is_not_there_are_told(reader: TestClient, admin: TestClient) -> None:
    assert reader.get("/api/executions/exec_none/logs").status_code == 404
    assert admin.get(PATH).status_code == 409


class Searching:
    """CloudWatch Logs that looks through one group for pages without end, of which each has a line or none."""

    def __init__(self, *, finds: bool) -> None:
        self._finds = finds
        self.asked = 0

    def filter_log_events(self, **asked: Any) -> dict[str, Any]:
        if not asked["logGroupName"].endswith("worker"):
            return {"events": []}
        self.asked += 1
        line = {"timestamp": at(self.asked), "message": "exec_1", "eventId": str(self.asked)}
        return {"events": [line] if self._finds else [], "nextToken": "more"}


@pytest.mark.parametrize("finds", [True, False])
def test_a_search_without_end_ends_and_says_so(finds: bool) -> None:
    service: Any = Searching(finds=finds)
    page = ExecutionLogs("dev", lambda: service).page("exec_1", NOW, NOW, limit=500)
    assert service.asked == 10
    assert (page.complete, page.following is None) == (False, False)
    # What shares the last instant that was searched may not be all of it.
    assert len(page.lines) == (9 if finds else 0)


def test_of_an_execution_that_runs_there_is_always_a_next_page() -> None:
    class Empty:
        def filter_log_events(self, **asked: Any) -> dict[str, Any]:
            assert "endTime" not in asked
            return {"events": []}

    service: Any = Empty()
    page = ExecutionLogs("dev", lambda: service).page("exec_1", NOW, None, limit=5)
    assert page.following is not None
    again = ExecutionLogs("dev", lambda: service).page("exec_1", NOW, None, limit=5, following=page.following)
    assert (again.lines, again.following) == ([], page.following)
