"""Overview and performance over HTTP: every number is counted again by DuckDB from the executions that were told."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from databases import orders_job, shop
from flowforge.metadata.database import Database
from flowforge.metadata.run_state import record_execution, record_job, record_step
from flowforge.metadata.schema import executions
from flowforge.model.errors import RetryLater
from flowforge.model.run_state import ExecutionState, JobState, RunError, StepState
from flowforge.model.run_status import ExecutionStatus, JobStatus
from flowforge.model.step import Step
from flowforge.model.time_zone import days_until, first_instant
from flowforge.orchestration.platform_probes import Found, Health, ask_all, stage_probes
from flowforge.web.services import Services

ENDS = (ExecutionStatus.SUCCEEDED, ExecutionStatus.SUCCEEDED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED)
ZONE = "Asia/Kolkata"
PERFORMANCE = "/api/orchestration/monitor/performance"


@pytest.fixture
def told(database: Database) -> list[dict[str, Any]]:
    """Sixty executions of three workflows over twelve days, as they were told."""
    chance, now = random.Random(7), datetime.now(UTC)
    rows: list[dict[str, Any]] = []
    with database.transaction() as connection:
        for number in range(3):
            gold = {"goldConfig": {"domain": f"d{number}"}}
            shop(connection, f"Shop {number}", orders_job(destinationConfig=gold), workflow_id=f"wf_{number}")
        for number in range(60):
            created = now - timedelta(minutes=chance.choice((30, 600, 1500, 2700, 6000, 17000)), seconds=number)
            status = chance.choice((*ENDS, ExecutionStatus.RUNNING))
            seconds, read = chance.randint(1, 900), chance.randint(0, 5000)
            row = {
                "id": f"exec_{number:02}",
                "workflow": f"wf_{chance.choice((0, 0, 1, 2))}",
                "status": status.value,
                "created": created,
                "seconds": None if status is ExecutionStatus.RUNNING else seconds,
                "read": read,
                "bytes": 3 * read,
            }
            rows.append(row)
            ended = None if status is ExecutionStatus.RUNNING else created + timedelta(seconds=seconds)
            state = ExecutionState(
                execution_id=row["id"], workflow_id=row["workflow"], status=status, started_at=created, ended_at=ended
            )
            outputs = [
                {"role": "bronze", "key": "b", "sizeBytes": read},
                {"role": "silver", "key": "s", "sizeBytes": 2 * read},
                {"role": "quarantine", "key": "q", "sizeBytes": 10**9},
            ]
            record_execution(connection, state)
            step = StepState(
                execution_id=row["id"],
                job_id="orders",
                step=Step.BRONZE_INGEST,
                status=JobStatus.SUCCEEDED,
                rows_read=read,
                outputs=outputs,
            )
            record_step(connection, step)
            job_status = JobStatus.FAILED if status is ExecutionStatus.FAILED else JobStatus.SUCCEEDED
            error = RunError(error="DataFault", message=row["id"]) if job_status is JobStatus.FAILED else None
            record_job(connection, JobState(execution_id=row["id"], job_id="orders", status=job_status, error=error))
            connection.execute(update(executions).where(executions.c.id == row["id"]).values(created_at=created))
    return rows


def asked(rows: list[dict[str, Any]], query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """What DuckDB answers about the executions, in a table ``runs``."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE TABLE runs "
            "(id TEXT, workflow TEXT, status TEXT, created TIMESTAMPTZ, seconds DOUBLE, read BIGINT, bytes BIGINT)"
        )
        connection.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", [list(row.values()) for row in rows])
        return connection.execute(query, parameters).fetchall()


def test_behaviour_24_the_overview_counts_what_is_stored(admin: TestClient, told: list[dict[str, Any]]) -> None:
    overview = admin.get("/api/orchestration/overview", params={"timeZone": ZONE}).json()
    at = datetime.fromisoformat(overview["measuredAt"])
    spans = asked(
        told,
        "SELECT count(DISTINCT workflow), count(*) FILTER (status = 'succeeded'), count(*) FILTER (status = 'failed'), "
        "sum(bytes), created >= ?::TIMESTAMPTZ AS now FROM runs WHERE created >= ?::TIMESTAMPTZ GROUP BY ALL ORDER BY now DESC",
        at - timedelta(days=1),
        at - timedelta(days=2),
    )
    kpis = overview["kpis"]
    names = ("activeWorkflows", "successfulRuns", "failedRuns", "dataProcessed")
    assert [tuple(kpis[name][when] for name in names) for when in ("value", "previous")] == [span[:4] for span in spans]
    change = kpis["dataProcessed"]["value"] - kpis["dataProcessed"]["previous"]
    assert kpis["dataProcessed"]["change"] == change
    assert kpis["dataProcessed"]["changePercent"] == pytest.approx(100 * change / kpis["dataProcessed"]["previous"])
    newest = asked(told, "SELECT id FROM runs ORDER BY created DESC LIMIT 50")
    assert [run["id"] for run in overview["recentActivity"]] == [row[0] for row in newest]
    assert overview["recentActivity"][0]["totalJobs"] == 1
    today = at.astimezone(ZoneInfo(ZONE)).date()
    assert [day["date"] for day in overview["successRateTrends"]] == [
        str(today - timedelta(days=back)) for back in range(6, -1, -1)
    ]
    days = asked(
        told,
        "SELECT (created AT TIME ZONE ?)::DATE::TEXT, count(*), count(*) FILTER (status = 'succeeded'), "
        "count(*) FILTER (status = 'failed') FROM runs GROUP BY ALL",
        ZONE,
    )
    expected = {day: (total, succeeded, failed) for day, total, succeeded, failed in days}
    for day in overview["successRateTrends"]:
        total, succeeded, failed = expected.get(day["date"], (0, 0, 0))
        assert (day["total"], day["succeeded"], day["failed"]) == (total, succeeded, failed)
        assert day["successRate"] == (succeeded / (succeeded + failed) if succeeded + failed else None)


@pytest.mark.parametrize(("time_range", "days"), [("7d", 7), ("30d", 30), ("90d", 90)])
def test_performance_equals_the_stored_executions(
    admin: TestClient, told: list[dict[str, Any]], time_range: str, days: int
) -> None:
    shown = admin.get(PERFORMANCE, params={"timeRange": time_range, "timeZone": ZONE}).json()
    since = first_instant(days_until(datetime.now(UTC), ZONE, days)[0], ZONE)
    within = [row for row in told if row["created"] >= since]
    assert len(shown["durationTrend"]) == days
    durations = asked(
        within,
        "SELECT (created AT TIME ZONE ?)::DATE::TEXT, round(avg(seconds) * 1000), round(quantile_cont(seconds, 0.5) * 1000), "
        "round(quantile_cont(seconds, 0.95) * 1000) FROM runs GROUP BY ALL HAVING count(seconds) > 0",
        ZONE,
    )
    trend = {day["date"]: (day["averageDuration"], day["medianDuration"], day["p95Duration"]) for day in shown["durationTrend"]}
    assert {day: numbers for day, numbers in trend.items() if numbers[0] is not None} == {row[0]: row[1:] for row in durations}
    workflows = asked(
        within,
        "SELECT workflow, count(*) AS n, count(*) FILTER (status = 'succeeded') AS s, count(*) FILTER (status = 'failed') AS f "
        "FROM runs GROUP BY ALL ORDER BY n DESC, workflow",
    )
    top = [tuple(item[name] for name in ("workflowId", "executions", "succeeded", "failed")) for item in shown["topWorkflows"]]
    assert top == workflows
    rates = {item["workflowId"]: item["failureRate"] for item in shown["failureRates"]}
    assert rates == {name: pytest.approx(failed / (failed + good)) for name, _, good, failed in workflows if failed}
    efficient = asked(
        within,
        "SELECT workflow, sum(read), sum(read) / sum(seconds) AS rate FROM runs WHERE status = 'succeeded' "
        "GROUP BY ALL ORDER BY rate DESC",
    )
    found = [(item["workflowId"], item["records"], pytest.approx(item["recordsPerSecond"])) for item in shown["efficiency"]]
    assert found == efficient
    failing = asked(
        within,
        "SELECT workflow, count(*) FILTER (status = 'failed') AS n, count(*), max_by(id, created) FILTER (status = 'failed') "
        "FROM runs GROUP BY ALL HAVING n > 0 ORDER BY n DESC, workflow",
    )
    jobs = [
        tuple(item[name] for name in ("workflowId", "failures", "executions", "lastExecutionId"))
        for item in shown["topFailingJobs"]
    ]
    assert jobs == failing
    assert shown["topFailingJobs"][0]["lastError"] == f"DataFault: {failing[0][3]}"
    hours = asked(
        [row for row in told if row["created"] >= datetime.now(UTC) - timedelta(hours=168)],
        # Of this zone an hour begins at half past in UTC.
        "SELECT epoch(time_bucket(INTERVAL 1 HOUR, created, INTERVAL 30 MINUTE)) AS h, count(*), sum(read) "
        "FROM runs GROUP BY ALL ORDER BY h",
    )
    throughput = [
        (datetime.fromisoformat(item["hour"]).timestamp(), item["executions"], item["records"])
        for item in shown["hourlyThroughput"]
    ]
    assert throughput == hours


def test_nothing_yet_is_told_as_nothing(admin: TestClient) -> None:
    overview = admin.get("/api/orchestration/overview").json()
    assert (overview["timeZone"], overview["recentActivity"], len(overview["successRateTrends"])) == ("UTC", [], 7)
    assert overview["kpis"]["failedRuns"] == {"value": 0, "previous": 0, "change": 0, "changePercent": None}
    assert admin.get(PERFORMANCE).json()["efficiency"] == []


@pytest.mark.parametrize("query", ["timeZone=Mars/Olympus", "timeZone=../etc/passwd", "timeRange=1y"])
def test_a_zone_or_a_range_that_is_none_is_refused(admin: TestClient, query: str) -> None:
    assert admin.get(f"{PERFORMANCE}?{query}").status_code == 400


def test_the_monitor_names_what_it_can_be_filtered_by_and_what_it_was(admin: TestClient, told: list[dict[str, Any]]) -> None:
    shown = admin.get("/api/orchestration/monitor", params={"status": "failed", "workflowIds": "wf_0"}).json()
    failed = [row["id"] for row in told if (row["status"], row["workflow"]) == ("failed", "wf_0")]
    assert (shown["pagination"]["total"], shown["stats"]["failed"]) == (len(failed), len(failed))
    assert [choice["id"] for choice in shown["workflows"]] == ["wf_0", "wf_1", "wf_2"]
    assert shown["filters"] == {"status": ["failed"], "workflowIds": ["wf_0"], "timeRange": None, "search": ""}
    one = admin.get(f"/api/orchestration/monitor/{failed[0]}").json()
    read = next(row["read"] for row in told if row["id"] == failed[0])
    assert one["metrics"] == {
        "totalJobs": 1,
        "completedJobs": 0,
        "failedJobs": 1,
        "runningJobs": 0,
        "totalRecordsProcessed": read,
        "totalBronzeRecords": 0,
        "totalSilverRecords": 0,
        "totalGoldRecords": 0,
    }


def test_workflows_that_another_may_wait_for_come_by_name(admin: TestClient, database: Database) -> None:
    with database.transaction() as connection:
        for name in ("b", "C", "a"):
            gold = {"goldConfig": {"domain": name.lower()}}
            shop(connection, name, orders_job(destinationConfig=gold), workflow_id=f"wf_{name}")
    path = "/api/workflows/available-upstream"
    assert [item["name"] for item in admin.get(path).json()["workflows"]] == ["a", "b", "C"]
    shown = admin.get(path, params={"excludeWorkflowId": "wf_b"}).json()["workflows"]
    assert [(item["id"], item["type"], item["status"]) for item in shown] == [
        ("wf_a", "manual", "manual"),
        ("wf_C", "manual", "manual"),
    ]


def test_health_tells_what_answers_and_what_does_not(admin: TestClient, services: Services) -> None:
    health = admin.get("/api/orchestration/overview").json()["systemHealth"]
    assert health["overall"] == "operational"
    assert {name: found["status"] for name, found in health["services"].items()} == {
        "database": "operational",
        "lake": "operational",
        "stateMachine": "unknown",
        "queue": "unknown",
    }
    services.lake.client.delete_bucket(Bucket=services.lake.bucket)
    health = admin.get("/api/orchestration/overview").json()["systemHealth"]
    assert (health["overall"], health["services"]["lake"]["status"]) == ("degraded", "outage")
    assert services.lake.bucket in health["services"]["lake"]["detail"]


def test_probes_ask_the_services_that_a_deployment_names(s3_url: str, aws: Any) -> None:
    def connect(service: str) -> Any:
        return aws.client(service, endpoint_url=s3_url)

    url = connect("sqs").create_queue(QueueName="wishes")["QueueUrl"]
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:none"

    def fails() -> None:
        raise RetryLater("too busy")

    gone = stage_probes(machine, f"{url}-gone", connect)["queue"]
    found = ask_all({**stage_probes(machine, url, connect), "gone": gone, "busy": fails})
    assert {name: answer.health for name, answer in found.items()} == {
        "queue": Health.OPERATIONAL,
        "gone": Health.OUTAGE,
        "stateMachine": Health.OUTAGE,
        "busy": Health.OUTAGE,
    }
    assert found["busy"] == Found(Health.OUTAGE, detail="too busy")
    assert found["queue"].milliseconds is not None
