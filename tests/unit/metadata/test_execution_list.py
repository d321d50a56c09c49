"""Lists and details take a constant number of queries, by indexes, and their totals are exact."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from databases import Server
from flowforge.metadata.database import Database
from flowforge.metadata.execution_list import ExecutionFilter, execution_detail, execution_page, last_executions
from flowforge.metadata.workflow_list import workflow_page
from flowforge.model.run_status import ExecutionStatus

NEWEST = datetime(2026, 3, 1, tzinfo=UTC)
WORKFLOWS, EXECUTIONS = 40, 4000
SEED = f"""
INSERT INTO workflows (id, name, slug, environment, created_at)
SELECT 'wf_' || n, 'Shop ' || n, 'shop-' || n, 'dev', '2026-01-01'::timestamptz + n * interval '1 minute'
FROM generate_series(0, {WORKFLOWS - 1}) n;
INSERT INTO jobs (workflow_id, id, name, slug, type, order_index)
SELECT 'wf_' || n, 'job_' || j, 'Job ' || j, 'job-' || j, 'file-based', 2 - j
FROM generate_series(0, {WORKFLOWS - 1}) n, generate_series(0, 1) j;
INSERT INTO executions (id, workflow_id, status, started_at, created_at)
SELECT 'exec_' || n, 'wf_' || n % {WORKFLOWS},
  (CASE n % 10 WHEN 0 THEN 'failed' WHEN 1 THEN 'running' ELSE 'succeeded' END)::execution_status,
  '2026-03-01'::timestamptz - n * interval '1 minute', '2026-03-01'::timestamptz - n * interval '1 minute'
FROM generate_series(0, {EXECUTIONS - 1}) n;
INSERT INTO job_executions (execution_id, job_id, workflow_id, status)
SELECT 'exec_' || n, 'job_' || j, 'wf_' || n % {WORKFLOWS}, (CASE WHEN n % 10 = j THEN 'failed' ELSE 'succeeded' END)::job_status
FROM generate_series(0, {EXECUTIONS - 1}) n, generate_series(0, 1) j;
INSERT INTO step_results (execution_id, job_id, step, status, rows_written)
SELECT execution_id, job_id, 'bronze_ingest', status, 5 FROM job_executions WHERE execution_id = 'exec_3';
"""


@pytest.fixture(scope="module")
def seeded(postgres: Server) -> Iterator[Database]:
    with postgres.opened(postgres.copy()) as database:
        with database.transaction() as connection:
            for statement in SEED.split(";\n"):
                if statement.strip():
                    connection.exec_driver_sql(statement)
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
        yield database


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """What is sent while the block runs."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement:
            sent.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def explained(connection: Connection, sent: list[tuple[str, Any]]) -> str:
    """How the server does what was sent."""
    rows = [row for statement, given in sent for row in connection.exec_driver_sql(f"EXPLAIN {statement}", given)]
    return "\n".join(str(row[0]) for row in rows)


def test_a_page_of_executions_is_newest_first_with_jobs_counted_and_exact_totals(seeded: Database) -> None:
    with seeded.transaction() as connection:
        page = execution_page(connection, ExecutionFilter(), limit=3)
        assert [row["id"] for row in page.rows] == ["exec_0", "exec_1", "exec_2"]
        assert [(row["total_jobs"], row["completed_jobs"], row["failed_jobs"]) for row in page.rows] == [
            (2, 1, 1),
            (2, 1, 1),
            (2, 2, 0),
        ]
        assert [row["workflow_name"] for row in page.rows] == ["Shop 0", "Shop 1", "Shop 2"]
        assert (page.total, page.by_status[ExecutionStatus.FAILED]) == (EXECUTIONS, EXECUTIONS // 10)
        last = page.rows[-1]
        following = execution_page(connection, ExecutionFilter(), limit=2, after=(last["created_at"], last["id"]))
        assert [row["id"] for row in following.rows] == ["exec_3", "exec_4"]
        assert [row["id"] for row in execution_page(connection, ExecutionFilter(), limit=2, offset=3).rows] == [
            "exec_3",
            "exec_4",
        ]


@pytest.mark.parametrize(
    ("chosen", "total"),
    [
        (ExecutionFilter(workflow_ids=("wf_1", "wf_2")), 2 * EXECUTIONS // WORKFLOWS),
        (ExecutionFilter(statuses=(ExecutionStatus.FAILED,)), EXECUTIONS // 10),
        (ExecutionFilter(since=NEWEST - timedelta(minutes=9)), 10),
        (ExecutionFilter(search="shop 39"), EXECUTIONS // WORKFLOWS),
        (ExecutionFilter(search="exec_399"), 11),
        (ExecutionFilter(search="%"), 0),
    ],
)
def test_filters_hold_for_the_page_and_for_the_total(seeded: Database, chosen: ExecutionFilter, total: int) -> None:
    with seeded.transaction() as connection:
        page = execution_page(connection, chosen, limit=200)
        assert page.total == total
        assert len(page.rows) == min(total, 200)


def test_lists_and_details_take_a_constant_number_of_queries(seeded: Database) -> None:
    with seeded.transaction() as connection:
        for limit in (1, 40):
            with statements(seeded) as sent:
                execution_page(connection, ExecutionFilter(), limit=limit)
            assert len(sent) == 2
            with statements(seeded) as sent:
                page, total = workflow_page(connection, limit=limit)
            assert (len(sent), len(page), total) == (3, limit, WORKFLOWS)
            with statements(seeded) as sent:
                last = last_executions(connection, [item.id for item in page], each=3)
            assert len(sent) == 1
            assert [len(rows) for rows in last.values()] == [3] * limit
        with statements(seeded) as sent:
            detail = execution_detail(connection, "exec_3")
        assert len(sent) == 3
        assert detail is not None
        assert [row["job_id"] for row in detail.jobs] == ["job_1", "job_0"]
        assert {job_id: len(steps) for job_id, steps in detail.steps.items()} == {"job_0": 1, "job_1": 1}
        assert execution_detail(connection, "exec_none") is None


def test_pages_and_details_are_read_by_indexes(seeded: Database) -> None:
    with seeded.transaction() as connection:
        for of_workflow in ((), ("wf_1",)):
            with statements(seeded) as sent:
                chosen = ExecutionFilter(workflow_ids=of_workflow)
                execution_page(connection, chosen, after=(NEWEST - timedelta(days=2), "exec_2880"))
            plan = explained(connection, sent[1:])
            assert "Seq Scan on executions" not in plan
            assert "Seq Scan on job_executions" not in plan
        with statements(seeded) as sent:
            execution_detail(connection, "exec_3")
            last_executions(connection, ["wf_1", "wf_2"])
        plan = explained(connection, sent)
        assert "Seq Scan on executions" not in plan
        assert "Seq Scan on job_executions" not in plan
