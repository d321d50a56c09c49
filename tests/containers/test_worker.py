"""The worker in its container, confined as its task is, does what a step does on the host and ends with a code."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from containers.harness import CREDENTIALS, REGION, WORKER, assert_same_tables, comparable, event, sample
from containers.relay import Relay, relayed
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.local.emulator import Emulator
from flowforge.model.execution import StepFailure
from flowforge.model.exit_codes import ExitCode
from flowforge.model.plan import ExecutionInput, PlanRequest
from flowforge.model.step import Step, StepResult
from flowforge.orchestration.planning import plan_execution
from s3_proxy import faulty_proxy
from worker_process import StoppingAt, ended

pytestmark = pytest.mark.containers

JOB_ID = "job_orders"
MEMORY_MIB = 1024
ROOMY_TMP = ("--tmpfs", "/tmp:rw,mode=1777,size=256m")
VOLUME = ()
"""The image's own volume at /tmp, as a task's bind mount is made from it."""
ENDS_WITHIN_SECONDS = 5


def container(relay: Relay, *arguments: str, tmp: tuple[str, ...] = ROOMY_TMP) -> list[str]:
    """The command that runs a worker in a container of its own."""
    environment = {**CREDENTIALS, "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": relay.url}
    variables = [item for name, value in environment.items() for item in ("--env", f"{name}={value}")]
    confined = ["--read-only", *tmp, f"--memory={MEMORY_MIB}m", "--cap-drop=ALL", "--network", relay.network]
    return ["docker", "run", "--rm", *confined, *variables, WORKER, *arguments]


def asking(lake: Lake, step: Step, execution_id: str) -> tuple[str, ...]:
    return "--step", step.value, "--job", JOB_ID, "--plan", f"s3://{lake.bucket}/{keys.plan_key(execution_id)}"


def run(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def execution_id(worker_lake: Lake) -> str:
    """The sample's execution, planned in the worker's bucket."""
    request = PlanRequest.model_validate(event("plan_execution"))
    plan_execution(request, worker_lake, sample)
    return request.execution_id


@pytest.fixture(scope="module")
def logged(relay: Relay, worker_lake: Lake, execution_id: str) -> Mapping[Step, Any]:
    """The last line that each step logged, all three run in their order."""
    lines = {}
    for step in Step:
        tmp = VOLUME if step is Step.SILVER_TRANSFORM else ROOMY_TMP
        end = ended(run(container(relay, *asking(worker_lake, step, execution_id), tmp=tmp)))
        assert end.code == ExitCode.SUCCESS, end
        lines[step] = end.log[-1]
    return lines


@pytest.mark.parametrize("step", Step)
def test_a_step_leaves_in_the_worker_what_it_leaves_on_the_host(
    step: Step,
    logged: Mapping[Step, Any],
    worker_lake: Lake,
    on_host: Mapping[Step, StepResult],
    host_lake: Lake,
    execution_id: str,
) -> None:
    stored = worker_lake.read(keys.result_key(execution_id, JOB_ID, step))
    assert stored is not None
    result = StepResult.model_validate_json(stored[0])
    assert comparable(result) == comparable(on_host[step])
    assert_same_tables(on_host[step], worker_lake, host_lake)
    assert logged[step]["counts"] == json.loads(result.counts.model_dump_json(by_alias=True))
    assert logged[step]["correlation_id"] == execution_id


def test_both_buckets_hold_the_same_keys_after_the_run(
    logged: Mapping[Step, Any], worker_lake: Lake, on_host: Mapping[Step, StepResult], host_lake: Lake
) -> None:
    assert len(logged) == len(on_host)
    of_the_sample = ("landing/", "workflows/", "_attempts/", "bronze/", "silver/", "gold/", "runs/sample-0001/", "quarantine/")
    in_worker = {item.key for item in worker_lake.list_objects("") if item.key.startswith(of_the_sample)}
    assert in_worker == {item.key for item in host_lake.list_objects("") if item.key.startswith(of_the_sample)}


def test_a_fault_in_the_data_ends_with_its_code_and_leaves_the_message(relay: Relay, worker_lake: Lake) -> None:
    execution_id = "broken-0001"
    key = keys.landing_key("wf_shop", JOB_ID, "broken.csv")
    worker_lake.client.put_object(Bucket=worker_lake.bucket, Key=key, Body=b"order_id,amount\n1,10\n2,20,30\n")
    try:
        chosen = ExecutionInput(workflow_id="wf_shop", files={JOB_ID: (key,)})
        request = PlanRequest.model_validate(event("plan_execution")).model_copy(
            update={"execution_id": execution_id, "input": chosen}
        )
        plan_execution(request, worker_lake, sample)
        end = ended(run(container(relay, *asking(worker_lake, Step.BRONZE_INGEST, execution_id))))
    finally:
        worker_lake.delete([key])
    stored = worker_lake.read(keys.failure_key(execution_id, JOB_ID, Step.BRONZE_INGEST))
    assert stored is not None
    failure = StepFailure.model_validate_json(stored[0])
    assert (end.code, failure.error, failure.exit_code) == (ExitCode.DATA_FAULT, "DataFault", ExitCode.DATA_FAULT)
    assert (failure.file, failure.row) == ("broken.csv", 2)


@pytest.mark.parametrize("arguments", [(), ("--step", "platinum", "--job", JOB_ID, "--plan", "s3://b/runs/e/plan.json")])
def test_wrong_usage_ends_with_2(relay: Relay, arguments: tuple[str, ...]) -> None:
    end = ended(run(container(relay, *arguments)))
    assert (end.code, end.log) == (ExitCode.USAGE, [])
    assert "usage: worker" in end.errors


def test_a_container_that_is_stopped_ends_at_once_with_143_and_has_published_nothing(
    emulator: Emulator, worker_lake: Lake
) -> None:
    execution_id = "stopped-0001"
    request = PlanRequest.model_validate(event("plan_execution")).model_copy(update={"execution_id": execution_id})
    run_id = plan_run_id(worker_lake, request)
    stopping = StoppingAt(1, arrived=False)
    with faulty_proxy(emulator.endpoint) as proxy, proxy.following(stopping), relayed(proxy.server_port) as relay:
        stopping.process = run(container(relay, *asking(worker_lake, Step.BRONZE_INGEST, execution_id)))
        stopping.ready.set()
        end = ended(stopping.process)
    assert end.code == ExitCode.TERMINATED
    assert stopping.took_seconds < ENDS_WITHIN_SECONDS
    assert end.log[-1]["message"] == "stopped from outside"
    assert not [item.key for item in worker_lake.list_objects("bronze/") if run_id in item.key]


def plan_run_id(lake: Lake, request: PlanRequest) -> str:
    """Plan an execution; the run id of the job, which is in each of its keys."""
    return plan_execution(request, lake, sample).job(JOB_ID).run_id


def test_the_worker_knows_how_much_memory_its_container_has() -> None:
    code = "from flowforge.steps.last_tier import last_tier; print(last_tier())"
    confined = ["--rm", "--network", "none", "--read-only", f"--memory={MEMORY_MIB}m"]
    done = subprocess.run(
        ["docker", "run", *confined, "--entrypoint", "python3.13", WORKER, "-c", code], capture_output=True, text=True, check=True
    )
    assert f"has {MEMORY_MIB} MiB of memory" in done.stdout
