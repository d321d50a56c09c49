"""Late, doubled and lost events leave the truth, whatever their order."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from databases import orders_job, shop
from flowforge.metadata.database import Database
from flowforge.metadata.refusals import InUse, NotThere
from flowforge.metadata.run_state import (
    begin_redrive,
    record_execution,
    record_job,
    record_plan,
    record_step,
    request_cancel,
    unfinished,
)
from flowforge.metadata.schema import executions, job_executions, step_results
from flowforge.model.run_state import ExecutionState, JobState, RunError, StepState
from flowforge.model.run_status import ExecutionStatus, JobStatus, Teller, execution_name, execution_of
from flowforge.model.step import Step
from flowforge.model.tier import Tier

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
CLOCKS = ("created_at", "updated_at")


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def execution(status: ExecutionStatus, redrive: int = 0, execution_id: str = "exec_1", **more: Any) -> ExecutionState:
    return ExecutionState(execution_id=execution_id, workflow_id="wf_shop", redrive=redrive, status=status, **more)


def job(status: JobStatus, redrive: int = 0, job_id: str = "orders", **more: Any) -> JobState:
    return JobState(execution_id="exec_1", job_id=job_id, redrive=redrive, status=status, **more)


def step(status: JobStatus, redrive: int = 0, name: Step = Step.BRONZE_INGEST, **more: Any) -> StepState:
    return StepState(execution_id="exec_1", job_id="orders", step=name, redrive=redrive, status=status, **more)


FAILURE = RunError(error="DataFault", message="row 7 has 3 cells", file="a.csv", row=7)
FAILED_THEN_REDRIVEN = [
    execution(ExecutionStatus.RUNNING, started_at=at(0), plan_key="runs/exec_1/plan.json", planned_at=at(0)),
    job(JobStatus.RUNNING, started_at=at(1), run_id="r1"),
    step(JobStatus.RUNNING, started_at=at(1), tier=Tier.LAMBDA, attempt=1),
    step(JobStatus.RUNNING, started_at=at(2), tier=Tier.LAMBDA, attempt=2),
    step(JobStatus.FAILED, ended_at=at(3), tier=Tier.LAMBDA, error=FAILURE),
    job(JobStatus.FAILED, ended_at=at(3), failed_step=Step.BRONZE_INGEST, error=FAILURE),
    execution(ExecutionStatus.FAILED, ended_at=at(4), error="WorkflowFailed", cause="1 of 2 jobs failed"),
    execution(ExecutionStatus.FAILED, teller=Teller.MACHINE, ended_at=at(5), error="WorkflowFailed"),
    execution(ExecutionStatus.PENDING, 1),
    execution(ExecutionStatus.RUNNING, 1, started_at=at(10)),
    step(JobStatus.RUNNING, 1, started_at=at(11), tier=Tier.FARGATE, attempt=1),
    step(JobStatus.SUCCEEDED, 1, ended_at=at(12), tier=Tier.FARGATE, rows_read=10, rows_written=10),
    job(JobStatus.SUCCEEDED, 1, ended_at=at(12)),
    execution(ExecutionStatus.SUCCEEDED, 1, ended_at=at(13)),
]


RECORDED_BY: dict[type, Any] = {ExecutionState: record_execution, JobState: record_job, StepState: record_step}


def tell(database: Database, events: list[Any]) -> dict[str, list[dict[str, Any]]]:
    """Tell the events to an empty database, and answer with the rows, but for when they were written."""
    with database.transaction() as connection:
        shop(connection, "Shop", orders_job(), orders_job("items", "Items"), workflow_id="wf_shop")
        record_execution(connection, execution(ExecutionStatus.PENDING))
        for event in events:
            RECORDED_BY[type(event)](connection, event)
        rows = {
            table.name: [
                {name: value for name, value in row.items() if name not in CLOCKS}
                for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in (executions, job_executions, step_results)
        }
        connection.rollback()
    return rows


def test_every_order_of_the_same_events_each_told_twice_ends_with_the_same_rows(database: Database) -> None:
    truth = tell(database, FAILED_THEN_REDRIVEN)
    (run,), (done,), (bronze,) = truth["executions"], truth["job_executions"], truth["step_results"]
    assert (run["redrive"], run["status"], run["started_at"], run["ended_at"]) == (1, ExecutionStatus.SUCCEEDED, at(0), at(13))
    assert (run["error"], run["plan_key"]) == (None, "runs/exec_1/plan.json")
    assert (done["status"], done["error"], done["failed_step"], done["run_id"]) == (JobStatus.SUCCEEDED, None, None, "r1")
    assert (bronze["status"], bronze["tier"], bronze["attempt"], bronze["rows_written"]) == (
        JobStatus.SUCCEEDED,
        Tier.FARGATE,
        2,
        10,
    )
    for seed in range(5):
        shuffled = FAILED_THEN_REDRIVEN * 2
        random.Random(seed).shuffle(shuffled)
        assert tell(database, shuffled) == truth, f"seed {seed}"


def test_every_order_of_a_run_that_was_cancelled_ends_the_same(database: Database) -> None:
    events = [
        execution(ExecutionStatus.RUNNING, started_at=at(0)),
        job(JobStatus.PENDING),
        job(JobStatus.PENDING, job_id="items"),
        job(JobStatus.RUNNING, started_at=at(1)),
        step(JobStatus.SUCCEEDED, started_at=at(1), ended_at=at(2), rows_read=3, rows_written=3),
        step(JobStatus.RUNNING, name=Step.SILVER_TRANSFORM, started_at=at(2)),
        execution(ExecutionStatus.SUCCEEDED, ended_at=at(3)),
        execution(ExecutionStatus.CANCELLED, teller=Teller.MACHINE, ended_at=at(4), error="Stopped", cause="by anna"),
    ]
    truth = tell(database, events)
    assert [row["status"] for row in truth["executions"]] == [ExecutionStatus.CANCELLED]
    for seed in range(5):
        shuffled = [event for event in events * 2 if event is not events[6]]
        random.Random(seed).shuffle(shuffled)
        told = tell(database, shuffled)
        assert {row["job_id"]: row["status"] for row in told["job_executions"]} == {
            "orders": JobStatus.CANCELLED,
            "items": JobStatus.SKIPPED,
        }
        assert [row["status"] for row in told["step_results"]] == [JobStatus.SUCCEEDED, JobStatus.CANCELLED]
        assert told["executions"] == truth["executions"]


def test_where_every_event_of_jobs_was_lost_the_end_of_the_execution_tells_of_them(database: Database) -> None:
    planned = [job(JobStatus.PENDING), job(JobStatus.PENDING, job_id="items")]
    told = tell(database, [*planned, execution(ExecutionStatus.SUCCEEDED, teller=Teller.MACHINE, ended_at=at(9))])
    assert [row["status"] for row in told["job_executions"]] == [JobStatus.SUCCEEDED] * 2
    told = tell(database, [*planned, execution(ExecutionStatus.FAILED, teller=Teller.MACHINE, ended_at=at(9))])
    assert [row["status"] for row in told["job_executions"]] == [JobStatus.SKIPPED] * 2


def test_a_succeeded_redrive_mends_what_its_lost_events_did_not(database: Database) -> None:
    failed = [job(JobStatus.FAILED, ended_at=at(1), error=FAILURE), execution(ExecutionStatus.FAILED, ended_at=at(2))]
    told = tell(database, [*failed, execution(ExecutionStatus.SUCCEEDED, 1, ended_at=at(5))])
    assert [(row["status"], row["error"]) for row in told["job_executions"]] == [(JobStatus.SUCCEEDED, None)]


def test_the_record_tells_more_than_the_machine_whoever_comes_first(database: Database) -> None:
    record = execution(ExecutionStatus.FAILED, ended_at=at(4), error="WorkflowFailed", cause="1 of 2 jobs failed: orders")
    machine = execution(ExecutionStatus.FAILED, teller=Teller.MACHINE, ended_at=at(5), error="States.Runtime", cause="short")
    for events in ([record, machine], [machine, record]):
        (run,) = tell(database, events)["executions"]
        assert (run["cause"], run["ended_at"]) == ("1 of 2 jobs failed: orders", at(4))


def test_a_step_of_an_execution_that_nobody_recorded_is_refused(database: Database) -> None:
    with pytest.raises(NotThere, match="exec_1"), database.transaction() as connection:
        record_step(connection, step(JobStatus.RUNNING))
    with pytest.raises(NotThere, match="which workflow"), database.transaction() as connection:
        record_execution(connection, ExecutionState(execution_id="exec_1", status=ExecutionStatus.RUNNING))


def test_a_plan_makes_its_jobs_pending_and_the_execution_running(database: Database) -> None:
    with database.transaction() as connection:
        shop(connection, workflow_id="wf_shop")
        record_plan(connection, execution(ExecutionStatus.PENDING, planned_at=at(0)), {"orders": "run-1"})
        assert connection.execute(select(executions.c.status)).scalar_one() is ExecutionStatus.RUNNING
        assert connection.execute(select(job_executions.c.status, job_executions.c.run_id)).one() == (JobStatus.PENDING, "run-1")


def test_what_failed_is_redriven_and_what_runs_or_succeeded_is_not(database: Database) -> None:
    with database.transaction() as connection:
        shop(connection, workflow_id="wf_shop")
        record_execution(connection, execution(ExecutionStatus.RUNNING))
        with pytest.raises(InUse, match="running"):
            begin_redrive(connection, "exec_1")
        request_cancel(connection, "exec_1", "anna")
        record_execution(connection, execution(ExecutionStatus.CANCELLED, ended_at=at(1)))
        with pytest.raises(InUse, match="cancelled"):
            request_cancel(connection, "exec_1", "anna")
        assert begin_redrive(connection, "exec_1") == 1
        row = connection.execute(select(executions)).mappings().one()
        assert (row["status"], row["ended_at"], row["cancel_requested_by"]) == (ExecutionStatus.PENDING, None, None)
        record_execution(connection, execution(ExecutionStatus.SUCCEEDED, 1))
        with pytest.raises(InUse, match="succeeded"):
            begin_redrive(connection, "exec_1")
        with pytest.raises(NotThere):
            begin_redrive(connection, "exec_9")


def test_reconciliation_finds_what_was_not_heard_of(database: Database) -> None:
    with database.transaction() as connection:
        shop(connection, workflow_id="wf_shop")
        for number, status in enumerate([ExecutionStatus.RUNNING, ExecutionStatus.SUCCEEDED, ExecutionStatus.PENDING]):
            record_execution(connection, execution(status, execution_id=f"exec_{number}", redrive=number))
    with database.transaction() as connection:
        later = datetime.now(UTC) + timedelta(hours=1)
        assert [row["id"] for row in unfinished(connection, untouched_since=later)] == ["exec_0", "exec_2"]
        assert unfinished(connection, untouched_since=datetime.now(UTC) - timedelta(hours=1)) == []


def test_a_redrive_is_told_from_the_name_of_the_execution() -> None:
    assert execution_of(execution_name("exec_1", 0)) == ("exec_1", 0)
    assert execution_of(execution_name("exec_1", 12)) == ("exec_1", 12)
    assert execution_of("nightly-r0") == ("nightly-r0", 0)
