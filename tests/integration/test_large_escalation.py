"""A gigabyte on functions that are too small for it: each step moves to the worker once, and the record says why."""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from csv_files import BLOCK_ROWS, write_big_file
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.local.leftovers import processes_of_stack
from flowforge.local.project import find_project
from flowforge.local.stack import LocalStack
from flowforge.model.step import Step, StepResult
from flowforge.model.workflow import read_workflow
from flowforge.steps.results import read_result

pytestmark = pytest.mark.large

JOB = "job_big"
DEADLINE_SECONDS = 600
# What the template gives, and what is too little for a gigabyte: memory for Bronze, time for Silver, room for Gold.
TOO_LITTLE = {
    "BronzeIngest": ("MemorySize: 2048", "MemorySize: 256"),
    "SilverTransform": ("Timeout: 900", "Timeout: 2"),
    "GoldPublish": ("Size: 1024", "Size: 512"),
}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def stack(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The shipped stack, but for functions that are too small."""
    project = tmp_path_factory.mktemp("project")
    for folder in ("functions", "statemachine"):
        shutil.copytree(find_project() / folder, project / folder)
    template = (find_project() / "template.yaml").read_text()
    for function, (given, small) in TOO_LITTLE.items():
        before, declared, after = template.partition(f"\n  {function}:\n")
        assert given in after
        template = before + declared + after.replace(given, small, 1)
    (project / "template.yaml").write_text(template)
    with LocalStack(project, state) as running:
        yield running


@pytest.fixture(scope="module")
def rows(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The number of rows of the gigabyte that has landed for a job that insists on Lambda."""
    lake, path = stack.lake(), tmp_path_factory.mktemp("big") / "big.csv"
    job = {
        "id": JOB,
        "name": "Big",
        "tier": "lambda",
        "destinationConfig": {"silverConfig": {"primaryKey": ["id", "text"]}},
    }
    workflow = read_workflow({"id": "wf_big", "name": "Big", "jobs": [job]}, origin="the test")
    lake.overwrite(keys.workflow_key(workflow.id), workflow.to_json())
    count = write_big_file(path, 1_000_000_000)
    lake.client.upload_file(str(path), lake.bucket, keys.landing_key(workflow.id, JOB, path.name))
    path.unlink()
    return count


def execute(stack: LocalStack, name: str, in_gold: Callable[[], None]) -> dict[str, Any]:
    """Run the job, do something as soon as Gold's function is at work, and answer with what the record says of the job."""
    states = stack.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=stack.state_machine_arn, name=name, input=json.dumps({"workflowId": "wf_big"}))[
        "executionArn"
    ]
    deadline, pause, acted = time.monotonic() + DEADLINE_SECONDS, threading.Event(), False
    while states.describe_execution(executionArn=arn)["status"] == "RUNNING":
        assert time.monotonic() < deadline, "the execution does not end"
        latest = states.get_execution_history(executionArn=arn, maxResults=1, reverseOrder=True)["events"][0]
        if not acted and latest["type"] == "TaskStarted" and latest["id"] > 1 and _is_gold(states, arn):
            in_gold()
            acted = True
        pause.wait(0.02)
    assert acted, "Gold was never seen at work"
    stored = stack.lake().read(keys.record_key(name))
    assert stored is not None
    record = json.loads(stored[0])
    assert record["status"] == "succeeded", record
    [job] = record["jobs"]
    return dict(job)


def _is_gold(states: Any, arn: str) -> bool:
    events = states.get_execution_history(executionArn=arn, maxResults=12, reverseOrder=True)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    return bool(entered) and entered[0] == "GoldPublish"


def gold_processes(state: Path) -> list[psutil.Process]:
    """The processes of Gold's function; after one was killed, the next call starts another."""
    deadline = time.monotonic() + 20
    while True:
        found = [item for item in processes_of_stack(state) if item.environ().get("AWS_LAMBDA_FUNCTION_NAME") == "GoldPublish"]
        if found:
            return found
        assert time.monotonic() < deadline


def results(lake: Lake, execution_id: str) -> dict[Step, StepResult]:
    found = {step: read_result(lake, execution_id, JOB, step) for step in Step}
    return {step: result for step, result in found.items() if result}


def test_memory_time_and_a_killed_process_each_move_their_step_once(stack: LocalStack, state: Path, rows: int) -> None:
    def kill() -> None:
        for process in gold_processes(state):
            process.kill()

    job = execute(stack, "exec_killed", kill)
    told = {item["step"]: item["error"] for item in job["escalations"]}
    assert told == {
        "bronze_ingest": "Runtime.OutOfMemory",
        "silver_transform": "Sandbox.Timedout",
        "gold_publish": "Runtime.ExitError",
    }
    done = results(stack.lake(), "exec_killed")
    # The file repeats one block of rows, and Silver keeps the last of each key.
    assert [result.counts.read for result in done.values()] == [rows, rows, BLOCK_ROWS]


@pytest.mark.usefixtures("rows")
def test_a_full_tmp_moves_the_step(stack: LocalStack, state: Path) -> None:
    def fill() -> None:
        for process in gold_processes(state):
            with (Path(process.environ()["TMPDIR"]) / "filled").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, 600 << 20)

    job = execute(stack, "exec_full", fill)
    told = {item["step"]: (item["error"], item["cause"]) for item in job["escalations"]}
    assert told["gold_publish"][0] == "Runtime.ExitError"
    assert "No space left" in told["gold_publish"][1]
    assert results(stack.lake(), "exec_full")[Step.GOLD_PUBLISH].counts.read == BLOCK_ROWS
