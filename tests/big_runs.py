"""Executions of one job that insists on Lambda, over files that outgrow its functions; what the record says of them."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from csv_files import write_big_file
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.local.stack import LocalStack
from flowforge.model.step import Step, StepResult
from flowforge.model.workflow import read_workflow
from flowforge.steps.results import read_result
from stacks import store

JOB = "job_big"
DEADLINE_SECONDS = 600


def land_big_file(stack: LocalStack, workflow_id: str, size_bytes: int, folder: Path) -> int:
    """Land a file of this size for the job of a new workflow; the number of its rows."""
    path = folder / "big.csv"
    job = {
        "id": JOB,
        "name": "Big",
        "tier": "lambda",
        "destinationConfig": {"silverConfig": {"primaryKey": ["id", "text"]}},
    }
    name = workflow_id.removeprefix("wf_")
    workflow = read_workflow({"id": workflow_id, "name": name, "jobs": [job]}, origin="the test")
    lake = stack.lake()
    store(stack, workflow)
    count = write_big_file(path, size_bytes)
    lake.client.upload_file(str(path), lake.bucket, keys.landing_key(workflow.id, JOB, path.name))
    path.unlink()
    return count


def execute(stack: LocalStack, workflow_id: str, name: str, state: str, act: Callable[[], None]) -> dict[str, Any]:
    """Run the workflow, act as soon as the function of that state is at work, and answer with the record of the job."""
    states = stack.client("stepfunctions")
    arn = states.start_execution(
        stateMachineArn=stack.state_machine_arn, name=name, input=json.dumps({"workflowId": workflow_id})
    )["executionArn"]
    deadline, pause, acted = time.monotonic() + DEADLINE_SECONDS, threading.Event(), False
    while states.describe_execution(executionArn=arn)["status"] == "RUNNING":
        assert time.monotonic() < deadline, "the execution does not end"
        latest = states.get_execution_history(executionArn=arn, maxResults=1, reverseOrder=True)["events"][0]
        if not acted and latest["type"] == "TaskStarted" and latest["id"] > 1 and _entered_last(states, arn) == state:
            act()
            acted = True
        pause.wait(0.02)
    assert acted, f"{state} was never seen at work"
    stored = stack.lake().read(keys.record_key(name))
    assert stored is not None
    record = json.loads(stored[0])
    assert record["status"] == "succeeded", record
    [job] = record["jobs"]
    return dict(job)


def escalations(job: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Error and cause of each step that moved, by the step."""
    told = {item["step"]: (item["error"], item.get("cause", "")) for item in job["escalations"]}
    assert len(told) == len(job["escalations"]), "a step moved twice"
    return told


def results(lake: Lake, execution_id: str) -> dict[Step, StepResult]:
    """The results of the steps that finished."""
    found = {step: read_result(lake, execution_id, JOB, step) for step in Step}
    return {step: result for step, result in found.items() if result}


def _entered_last(states: Any, arn: str) -> str:
    events = states.get_execution_history(executionArn=arn, maxResults=12, reverseOrder=True)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    return entered[0] if entered else ""
