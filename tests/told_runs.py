"""Runs of the lab's workflow told to a database, as the functions that record them do."""

from sqlalchemy import Connection

from databases import shop
from flowforge.lake import keys
from flowforge.metadata.database import Database
from flowforge.metadata.run_state import record_execution, record_job, record_step
from flowforge.model.plan import Plan
from flowforge.model.run_state import ExecutionState, JobState, StepState
from flowforge.model.run_status import ExecutionStatus, JobStatus
from flowforge.model.step import Step, StepResult
from flowforge.model.workflow import read_workflow
from flowforge.orchestration.step_facts import record_step_facts
from lab import JOB_ID, WORKFLOW_ID, Lab, Run


def stored(database: Database, lab: Lab) -> None:
    workflow = read_workflow(lab.definition(), origin="the test")
    with database.transaction() as connection:
        shop(connection, "Shop", *workflow.jobs, workflow_id=WORKFLOW_ID)


def plan_of(run: Run) -> Plan:
    found = run.lab.lake.read(run.plan_key)
    assert found is not None
    return Plan.model_validate_json(found[0])


def result_of(run: Run, step: Step) -> StepResult:
    found = run.lab.lake.read(keys.result_key(run.execution_id, JOB_ID, step))
    assert found is not None
    return StepResult.model_validate_json(found[0])


def begin(connection: Connection, run: Run) -> None:
    plan = plan_of(run)
    told = ExecutionState(
        execution_id=run.execution_id, workflow_id=WORKFLOW_ID, status=ExecutionStatus.RUNNING, planned_at=plan.planned_at
    )
    record_execution(connection, told)
    record_job(connection, JobState(execution_id=run.execution_id, job_id=JOB_ID, status=JobStatus.RUNNING))


def tell(connection: Connection, run: Run, step: Step) -> bool:
    """Tell that a step has succeeded, with its result."""
    plan, result = plan_of(run), result_of(run, step)
    counts = result.counts.model_dump(by_alias=True)
    set_aside = counts.get("malformed", counts.get("quarantined"))
    state = StepState(
        execution_id=run.execution_id,
        job_id=JOB_ID,
        step=step,
        status=JobStatus.SUCCEEDED,
        rows_read=counts["read"],
        rows_set_aside=set_aside,
        outputs=[output.model_dump(mode="json", by_alias=True) for output in result.outputs],
    )
    record_step(connection, state)
    return record_step_facts(connection, plan, plan.job(JOB_ID), result, run.lab.lake)
