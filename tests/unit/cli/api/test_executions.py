"""``flowforge execution``: lists, one in full, and following one to its end."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from typer.testing import Result

from databases import orders_job, shop
from flowforge.cli.api.address import Address
from flowforge.cli.api.client import Api
from flowforge.cli.api.errors import ApiError, Ending
from flowforge.cli.api.session import Session
from flowforge.cli.watch import follow_execution
from flowforge.metadata.database import Database
from flowforge.metadata.run_state import record_execution, record_job, record_plan, record_step
from flowforge.model.run_state import ExecutionState, JobState, RunError, StepState
from flowforge.model.run_status import ExecutionStatus, JobStatus
from flowforge.model.step import Step
from flowforge.model.tier import Tier
from flowforge.web.laptop import LaptopApi

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
Flowforge = Callable[..., Result]


@pytest.fixture
def ran(database: Database) -> Database:
    """A workflow of two jobs."""
    with database.transaction() as connection:
        gold = {"destinationConfig": {"goldConfig": {"enabled": False}}}
        shop(connection, "Shop", orders_job(), orders_job("items", "Items", **gold), workflow_id="wf_shop")
    return database


def begin(database: Database, execution_id: str = "exec_1") -> None:
    with database.transaction() as connection:
        told = ExecutionState(
            execution_id=execution_id, workflow_id="wf_shop", status=ExecutionStatus.RUNNING, started_at=NOON, planned_at=NOON
        )
        record_plan(connection, told, {"orders": "run-1", "items": "run-2"})


def step(database: Database, job_id: str, which: Step, status: JobStatus, **more: Any) -> None:
    with database.transaction() as connection:
        of_it = {"execution_id": "exec_1", "job_id": job_id, "step": which, "tier": Tier.LAMBDA, "attempt": 1, "started_at": NOON}
        record_step(connection, StepState.model_validate({**of_it, "status": status, **more}))


def fail(database: Database) -> None:
    error = RunError(error="DataFault", message="row 2 is too long", file="items.csv", row=2)
    step(database, "items", Step.BRONZE_INGEST, JobStatus.FAILED, error=error)
    with database.transaction() as connection:
        ended = JobState(
            execution_id="exec_1",
            job_id="items",
            status=JobStatus.FAILED,
            failed_step=Step.BRONZE_INGEST,
            error=error,
            ended_at=NOON + timedelta(seconds=9),
        )
        record_job(connection, ended)


def end(database: Database, status: ExecutionStatus) -> None:
    with database.transaction() as connection:
        record_execution(connection, ExecutionState(execution_id="exec_1", status=status, ended_at=NOON + timedelta(seconds=9)))


def session_of(served: LaptopApi, url: str | None = None, *, as_json: bool = False) -> tuple[Session, StringIO, StringIO]:
    out, err = StringIO(), StringIO()
    api = Api(Address(url or served.url, served.token))
    return Session(api, Console(file=out, width=200), Console(file=err, width=200), as_json), out, err


def in_turn(*events: Callable[[], None]) -> Callable[[float], None]:
    """A pause in which the next of these happens."""
    left: Iterator[Callable[[], None]] = iter(events)
    return lambda _seconds: next(left)()


def test_executions_are_listed_and_shown_with_why_they_failed(flowforge: Flowforge, ran: Database) -> None:
    begin(ran, "exec_0")
    begin(ran)
    fail(ran)
    end(ran, ExecutionStatus.FAILED)
    listed = json.loads(flowforge("execution", "list", "--status", "failed", "--workflow", "shop", "--json").stdout)
    assert [item["id"] for item in listed] == ["exec_1"]
    assert len(json.loads(flowforge("execution", "list", "--limit", "1", "--json").stdout)) == 1
    table = flowforge("execution", "list").stdout
    assert ("exec_0" in table, "exec_1" in table, "2026-11-23 12:00:00Z" in table) == (True, True, True)
    shown = flowforge("execution", "show", "exec_1")
    assert shown.exit_code == 0
    assert "Items, bronze_ingest: DataFault: row 2 is too long (file items.csv, row 2)" in shown.stdout
    assert flowforge("execution", "show", "exec_9").exit_code == 5
    watched = flowforge("execution", "watch", "exec_1", "--json")
    assert (watched.exit_code, json.loads(watched.stdout)["status"]) == (1, "failed")
    assert watched.stderr.endswith("error: exec_1 has failed\n")
    assert flowforge("execution", "watch", "exec_9").exit_code == 5
    late = flowforge("execution", "watch", "exec_0", "--timeout", "0")
    assert (late.exit_code, "exec_0 has not ended within 0 seconds, and goes on" in late.stderr) == (8, True)


def test_an_execution_is_followed_step_by_step_to_its_end(served: LaptopApi, ran: Database) -> None:
    session, out, err = session_of(served)
    begin(ran)
    pause = in_turn(
        lambda: step(ran, "orders", Step.BRONZE_INGEST, JobStatus.RUNNING),
        lambda: step(ran, "orders", Step.BRONZE_INGEST, JobStatus.SUCCEEDED, duration_seconds=1.5, rows_read=1000),
        lambda: fail(ran),
        lambda: end(ran, ExecutionStatus.CANCELLED),
    )
    assert follow_execution(session, "exec_1", timeout_seconds=None, pause=pause) is Ending.CANCELLED
    told = out.getvalue()
    for line in (
        "Orders: Bronze running",
        "Orders: Bronze done in 1.5 s",
        "Items: Bronze failed with DataFault",
        "Items: Silver skipped",
    ):
        assert line in told.splitlines()
    # A step that the job does not take is neither waited for nor skipped.
    assert "Items: Gold" not in told
    assert "1,000" in told
    assert err.getvalue() == "error: exec_1 was cancelled\n"


def test_an_api_that_does_not_answer_for_a_minute_ends_the_watching(served: LaptopApi) -> None:
    session, _, _ = session_of(served, "http://127.0.0.1:1")
    now = [0.0]

    def pause(_seconds: float) -> None:
        now[0] += 25.0

    with pytest.raises(ApiError) as caught:
        follow_execution(session, "exec_1", timeout_seconds=None, clock=lambda: now[0], pause=pause)
    assert (caught.value.ending, now[0]) == (Ending.NO_ANSWER, 75.0)
