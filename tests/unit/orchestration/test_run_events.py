"""What is told of runs becomes their recorded state, whoever tells it, and what nobody told is made up for."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from sqlalchemy import RowMapping, select

from databases import ANNA
from flowforge.lake import keys
from flowforge.metadata.database import Database
from flowforge.metadata.run_state import execution_state
from flowforge.metadata.schema import executions, job_executions, processed_files, step_results
from flowforge.metadata.workflow_saving import save_workflow
from flowforge.model.environment import Environment
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.execution import ExecutionRecord, JobFailure, JobOutcome, RecordRequest
from flowforge.model.plan import PlanRequest
from flowforge.model.run_status import ExecutionStatus, JobStatus
from flowforge.model.start import StartRequest, Trigger, TriggerType
from flowforge.model.step import Step
from flowforge.model.tier import Tier
from flowforge.model.workflow import read_workflow
from flowforge.orchestration.completions import Completions
from flowforge.orchestration.dead_letters import DeadLetters
from flowforge.orchestration.plan_recording import plan_and_record
from flowforge.orchestration.reconciling import reconcile
from flowforge.orchestration.run_door import RunDoor
from flowforge.orchestration.run_events import RunEvents
from flowforge.orchestration.start_queue import StartQueue
from flowforge.orchestration.starting import Starter
from lab import DAWN, JOB_ID, WORKFLOW_ID, Lab, Run
from machines import Executions

MANUAL = Trigger(type=TriggerType.MANUAL)
GOOD, BAD = "id,amount\n1,2.50\n2,3.00\n", "id,amount\n1,2.50\n2,3.00,too many\n"


class Deaf:
    """A queue and a bus that remember what they were told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def send_message(self, *, MessageBody: str, **_: Any) -> None:  # noqa: N803 -- boto3's own
        self.heard.append(MessageBody)

    def tell(self, record: ExecutionRecord) -> None:
        self.heard.append(record.status)


class Control:
    """The control plane over a lab's lake, around a machine that runs nothing by itself."""

    def __init__(self, lab: Lab, database: Database) -> None:
        self.lab, self.database, self.runs, self.deaf = lab, database, Executions(), Deaf()
        queue = StartQueue("wishes", cast(Any, self.deaf))
        self.starter = Starter(database, self.runs.machine())
        self.events = RunEvents(lab.lake, database, queue, cast(Completions, self.deaf))
        self.door = RunDoor(queue, self.starter, DeadLetters("dead", cast(Any, self.deaf)))
        with database.transaction() as connection:
            save_workflow(connection, ANNA, Environment.DEV, read_workflow(lab.definition(), origin="the test"))

    def started(self, content: str = GOOD, *, key: str = "k") -> str:
        """Land a file, start an execution over it, and plan it."""
        files = {JOB_ID: (self.lab.land(f"{key}.csv", content),)}
        wish = StartRequest(workflow_id=WORKFLOW_ID, files=files, idempotency_key=key, trigger=MANUAL)
        name = self.starter.take(wish).execution_id
        self.plan(name)
        return name

    def plan(self, name: str) -> None:
        given = json.loads(self.runs.ran[name].input)
        request = PlanRequest.model_validate({"executionId": name, "startedAt": DAWN.isoformat(), "input": given})
        plan_and_record(request, self.lab.lake, self.database)

    def run(self, name: str, *steps: Step) -> None:
        run = Run(self.lab, name, keys.plan_key(name))
        for step in steps:
            run.step(step)

    def record(self, event: JobFailure | ExecutionRecord, name: str | None = None) -> None:
        self.events.record(RecordRequest(execution_name=name, event=event))

    def fail(self, name: str, step: Step, error: Exception, *, as_name: str | None = None) -> None:
        cause = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})
        told = JobFailure(execution_id=name, job_id=JOB_ID, step=step, error=type(error).__name__, cause=cause)
        self.record(told, as_name or name)
        outcome = JobOutcome(job_id=JOB_ID, status="failed", error_key=keys.job_error_key(name, JOB_ID), tries={step: 2})
        self.record(ExecutionRecord(execution_id=name, status="failed", jobs=(outcome,)), as_name or name)

    def reconcile(self) -> None:
        reconcile(self.starter, self.events, datetime.now(UTC) + timedelta(minutes=5))

    def state(self, name: str) -> RowMapping:
        with self.database.transaction() as connection:
            found = execution_state(connection, name)
        assert found is not None
        return found

    def steps(self, name: str) -> dict[Step, RowMapping]:
        with self.database.transaction() as connection:
            rows = connection.execute(select(step_results).where(step_results.c.execution_id == name)).mappings()
            return {row["step"]: row for row in rows}

    def job(self, name: str) -> RowMapping:
        with self.database.transaction() as connection:
            return connection.execute(select(job_executions).where(job_executions.c.execution_id == name)).mappings().one()


@pytest.fixture
def control(lab: Lab, database: Database) -> Control:
    return Control(lab, database)


def created(lab: Lab, key: str) -> str:
    detail = {"bucket": {"name": lab.lake.bucket}, "object": {"key": key}}
    return json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})


def changed(name: str, status: str, **told: Any) -> str:
    detail = {"name": name, "status": status, "startDate": 1_700_000_000_000, "stopDate": 1_700_000_060_000, **told}
    return json.dumps({"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail})


def test_a_step_is_seen_as_soon_as_its_result_is_stored(control: Control) -> None:
    name = control.started()
    assert control.state(name)["status"] is ExecutionStatus.RUNNING
    assert {step: row["status"] for step, row in control.steps(name).items()} == {Step.BRONZE_INGEST: JobStatus.RUNNING}
    control.run(name, Step.BRONZE_INGEST)
    control.events.deliver(created(control.lab, keys.result_key(name, JOB_ID, Step.BRONZE_INGEST)))
    steps = control.steps(name)
    row = steps[Step.BRONZE_INGEST]
    assert (row["status"], row["rows_read"], row["rows_written"]) == (JobStatus.SUCCEEDED, 2, 2)
    # It began with the plan, whose clock is that of the test.
    assert (row["started_at"], row["duration_seconds"] > 0) == (DAWN, True)
    assert row["ended_at"] is not None
    # The machine goes on at once.
    assert (steps[Step.SILVER_TRANSFORM]["status"], control.job(name)["status"]) == (JobStatus.RUNNING, JobStatus.RUNNING)
    control.run(name, Step.SILVER_TRANSFORM, Step.GOLD_PUBLISH)
    for step in (Step.GOLD_PUBLISH, Step.SILVER_TRANSFORM):
        control.events.deliver(created(control.lab, keys.result_key(name, JOB_ID, step)))
    assert {row["status"] for row in control.steps(name).values()} == {JobStatus.SUCCEEDED}
    assert control.job(name)["status"] is JobStatus.SUCCEEDED
    assert control.state(name)["status"] is ExecutionStatus.RUNNING


def test_a_failure_is_told_with_its_file_its_row_and_its_tries(control: Control) -> None:
    name = control.started(BAD)
    with pytest.raises(DataFault) as caught:
        control.run(name, Step.BRONZE_INGEST)
    control.fail(name, Step.BRONZE_INGEST, caught.value)
    job, state = control.job(name), control.state(name)
    assert (job["status"], job["failed_step"]) == (JobStatus.FAILED, Step.BRONZE_INGEST)
    assert {part: job["error"][part] for part in ("error", "file", "row")} == {"error": "DataFault", "file": "k.csv", "row": 2}
    assert (state["status"], state["error"], "k.csv" in state["cause"]) == (ExecutionStatus.FAILED, "WorkflowFailed", True)
    step = control.steps(name)[Step.BRONZE_INGEST]
    assert (step["status"], step["attempt"], step["tier"], step["error"]["row"]) == (JobStatus.FAILED, 2, Tier.LAMBDA, 2)
    with control.database.transaction() as connection:
        [file] = connection.execute(select(processed_files)).mappings()
    assert (file["status"].value, "too many" in file["error"] or "3 fields" in file["error"]) == ("failed", True)


def test_a_place_that_another_error_left_is_not_taken_for_this_one_s(control: Control) -> None:
    name = control.started(BAD)
    with pytest.raises(DataFault):
        control.run(name, Step.BRONZE_INGEST)
    control.fail(name, Step.BRONZE_INGEST, ConfigFault("the key is gone"))
    assert "file" not in control.job(name)["error"]


@pytest.mark.parametrize(
    ("status", "recorded", "error"),
    [
        ("SUCCEEDED", ExecutionStatus.SUCCEEDED, None),
        ("FAILED", ExecutionStatus.FAILED, "Why"),
        ("TIMED_OUT", ExecutionStatus.FAILED, "TIMED_OUT"),
        ("ABORTED", ExecutionStatus.CANCELLED, "Why"),
    ],
)
@pytest.mark.parametrize("by", ["event", "reconciliation"])
def test_an_end_that_the_machine_did_not_record_is_known_all_the_same(
    control: Control, status: str, recorded: ExecutionStatus, error: str | None, by: str
) -> None:
    name = control.started()
    control.run(name, Step.BRONZE_INGEST)
    told = {"error": error, "cause": "said so"} if error == "Why" else {}
    if by == "event":
        control.events.deliver(changed(name, status, **told))
    else:
        control.runs.end(name, status, **told)
        control.reconcile()
    state = control.state(name)
    assert (state["status"], state["error"]) == (recorded, error)
    # What had finished is told although its own event was lost.
    assert control.steps(name)[Step.BRONZE_INGEST]["status"] is JobStatus.SUCCEEDED


def test_the_end_of_an_execution_tells_that_the_next_wish_has_its_turn(control: Control) -> None:
    name = control.started()
    outcome = JobOutcome(job_id=JOB_ID, status="succeeded")
    ended = ExecutionRecord(execution_id=name, status="succeeded", jobs=(outcome,))
    control.record(ended)
    assert control.deaf.heard == ["succeeded"]
    control.starter.take(StartRequest(workflow_id=WORKFLOW_ID, idempotency_key="2", trigger=MANUAL))
    control.starter.take(StartRequest(workflow_id=WORKFLOW_ID, idempotency_key="3", trigger=MANUAL))
    control.record(ended)
    assert control.deaf.heard[:2] == ["succeeded", "succeeded"]
    assert [json.loads(heard) for heard in control.deaf.heard[2:]] == [{"schemaVersion": 1, "turnOf": WORKFLOW_ID}]


def test_a_redrive_has_the_plan_and_the_results_of_its_execution(control: Control) -> None:
    name = control.started()
    control.run(name, Step.BRONZE_INGEST)
    control.fail(name, Step.SILVER_TRANSFORM, DataFault("no luck"))
    control.runs.end(name, "FAILED")
    assert control.door.redrive(name, ANNA) == 1
    assert control.state(name)["status"] is ExecutionStatus.PENDING
    control.plan(f"{name}-r1")
    # A late word of the first attempt changes nothing any more.
    control.events.deliver(changed(name, "FAILED"))
    state, steps = control.state(name), control.steps(name)
    assert (state["status"], state["redrive"]) == (ExecutionStatus.RUNNING, 1)
    assert (steps[Step.BRONZE_INGEST]["status"], steps[Step.BRONZE_INGEST]["redrive"]) == (JobStatus.SUCCEEDED, 1)
    control.run(name, Step.SILVER_TRANSFORM, Step.GOLD_PUBLISH)
    done = ExecutionRecord(execution_id=name, status="succeeded", jobs=(JobOutcome(job_id=JOB_ID, status="succeeded"),))
    control.record(done, f"{name}-r1")
    assert {row["status"] for row in control.steps(name).values()} == {JobStatus.SUCCEEDED}
    assert (control.state(name)["status"], control.job(name)["error"]) == (ExecutionStatus.SUCCEEDED, None)


def test_what_got_lost_on_the_way_to_the_machine_is_made_up_for(control: Control) -> None:
    name = control.started()
    control.runs.end(name, "FAILED")
    control.events.deliver(changed(name, "FAILED"))
    begun = control.door.redrive(name, ANNA)
    del control.runs.ran[f"{name}-r{begun}"]
    control.reconcile()
    assert f"{name}-r{begun}" in control.runs.ran


def test_an_execution_that_no_machine_knows_has_failed_and_says_so(control: Control) -> None:
    name = control.started()
    control.runs.ran.clear()
    control.reconcile()
    assert (control.state(name)["status"], control.state(name)["error"]) == (ExecutionStatus.FAILED, "NotFound")


def test_a_stop_that_got_lost_is_made_up_for(control: Control) -> None:
    name = control.started()

    def lost(operation: str) -> None:
        if operation == "StopExecution":
            control.runs.before = lambda _operation: None
            raise ConnectionError("the network")

    control.runs.before = lost
    with pytest.raises(ConnectionError):
        control.door.cancel(name, ANNA)
    control.reconcile()
    assert control.runs.ran[name].status == "ABORTED"
    control.reconcile()
    assert control.state(name)["status"] is ExecutionStatus.CANCELLED


@pytest.mark.parametrize(
    "tell",
    [
        lambda control: control.events.deliver(changed("somebody", "FAILED", input='{"workflowId": "wf_elsewhere"}')),
        lambda control: control.events.deliver(changed("somebody", "FAILED", input="no JSON")),
        lambda control: control.record(ExecutionRecord(execution_id="somebody", status="failed", workflow_id="wf_elsewhere")),
        lambda control: control.events.deliver(created(control.lab, "runs/somebody/job_x/bronze_ingest.json")),
        lambda control: control.events.deliver(created(control.lab, "runs/somebody/plan.json")),
    ],
)
def test_word_of_an_execution_that_is_not_ours_is_left_alone(control: Control, tell: Callable[[Control], None]) -> None:
    tell(control)
    with control.database.transaction() as connection:
        assert connection.execute(select(executions.c.id)).first() is None


def test_an_execution_that_somebody_started_past_the_queue_is_recorded_too(control: Control) -> None:
    record = ExecutionRecord(
        execution_id="by-hand", status="failed", workflow_id=WORKFLOW_ID, trigger={"by": "hand"}, error="Why", cause="said so"
    )
    control.record(record)
    assert (control.state("by-hand")["status"], control.state("by-hand")["trigger_type"]) == (
        ExecutionStatus.FAILED,
        TriggerType.MANUAL,
    )


def test_a_message_that_cannot_be_understood_is_refused_with_the_field(control: Control) -> None:
    for body, told in (("nothing", "is no JSON"), (changed("a", "GONE"), "detail.status"), ("{}", "source")):
        with pytest.raises(ConfigFault, match=told):
            control.events.deliver(body)
