"""A stack that is kept running: commands that find it, and what is left of it when any of its processes is killed."""

import json
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config

from e2e.command import PROJECT, RUN_SECONDS, command, environment
from flowforge.cli.results import broken_promises, read_results
from flowforge.cli.workflow_file import load_workflow
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.local.leftovers import end_processes, processes_of_stack
from flowforge.local.stack_file import StackFile

END_SECONDS = 20
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def call(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Call]:
    """Run a command on the module's state folder to its end."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "five.csv").write_text("id,name\n" + "".join(f"{number},n{number}\n" for number in range(5)))

    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command(*arguments), "--state", str(state)],
            cwd=folder,
            env=environment(**changes),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    yield run
    run("down")
    end_processes(processes_of_stack(state))


@pytest.fixture
def up(call: Call, state: Path) -> dict[str, str]:
    """The environment of a stack in the background, which is started where none runs."""
    found = StackFile.read(state / "stack.json")
    return found.connection().environment() if found is not None and found.alive else started(call)


def started(call: Call) -> dict[str, str]:
    """Start a stack in the background; its environment, as a shell would take it."""
    done = call("up", "--detach")
    assert done.returncode == 0, done.stderr
    words = [shlex.split(line) for line in done.stdout.splitlines()]
    assert {word for word, _ in words} == {"export"}
    return dict(assignment.split("=", 1) for _, assignment in words)


def client(variables: dict[str, str], service: str) -> Any:
    session = boto3.session.Session(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    special = {"stepfunctions": "AWS_ENDPOINT_URL_SFN", "lambda": "AWS_ENDPOINT_URL_LAMBDA"}
    endpoint = variables[special.get(service, "AWS_ENDPOINT_URL")]
    return session.client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint,
        region_name=variables["AWS_REGION"],
        config=Config(proxies={}),
    )


def stack_of(state: Path) -> StackFile:
    found = StackFile.read(state / "stack.json")
    assert found is not None
    return found


def family(state: Path) -> dict[str, list[psutil.Process]]:
    """The processes of the stack by what they are."""
    kinds: dict[str, list[psutil.Process]] = {"stack": [psutil.Process(stack_of(state).pid)]}
    for process in processes_of_stack(state):
        line = " ".join(process.cmdline())
        kind = next((name for name in ("reaper", "awslambdaric", "ministack", "forking") if name in line), "other")
        parent = process.parent()
        if kind == "forking" and parent is not None and parent.cmdline() == process.cmdline():
            kind = "awslambdaric"
        kinds.setdefault(kind, []).append(process)
    return kinds


def test_without_a_stack_the_commands_say_so(call: Call) -> None:
    assert (call("status").returncode, call("down").returncode) == (1, 0)
    refused = call("reset", "--yes")
    assert (refused.returncode, "is no state folder" in refused.stderr) == (1, True)
    healthy = call("doctor")
    assert (healthy.returncode, "!!" in healthy.stdout) == (0, False), healthy.stdout


def test_boto3_reaches_the_stack_by_the_environment_that_is_printed(up: dict[str, str]) -> None:
    [machine] = client(up, "stepfunctions").list_state_machines()["stateMachines"]
    assert machine["name"] == "Workflow"
    assert client(up, "lambda").invoke(FunctionName="RecordEvent", InvocationType="DryRun")["StatusCode"] == 204
    assert up["FLOWFORGE_DATA_BUCKET"] in [bucket["Name"] for bucket in client(up, "s3").list_buckets()["Buckets"]]


def test_a_second_up_finds_the_first(up: dict[str, str], call: Call, state: Path) -> None:
    pid = stack_of(state).pid
    again = call("up", "--detach")
    assert (again.returncode, f"Running already as process {pid}" in again.stderr) == (0, True)
    assert f"AWS_ENDPOINT_URL={up['AWS_ENDPOINT_URL']}" in again.stdout
    assert "is in use by process" in call("up").stderr


@pytest.mark.usefixtures("up")
def test_status_and_doctor_tell_of_the_stack(call: Call, state: Path) -> None:
    told = call("status")
    assert (told.returncode, f"{stack_of(state).pid}, since" in told.stdout) == (0, True)
    healthy = call("doctor")
    assert (healthy.returncode, "used by process" in healthy.stdout) == (0, True)


def test_a_run_uses_the_stack_and_leaves_it_and_its_logs(up: dict[str, str], call: Call, state: Path) -> None:
    # A proxy of the network must not be asked for what is on this machine.
    done = call("run", "five.csv", HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9", NO_PROXY="", no_proxy="")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Using the stack of process {stack_of(state).pid}" in done.stdout
    assert client(up, "stepfunctions").list_state_machines()["stateMachines"]
    [execution] = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Execution ")]
    of_execution = call("logs", "--execution", execution).stdout.splitlines()
    functions = [line.split()[1] for line in of_execution if "REPORT" in line]
    assert functions == ["PlanExecution", "BronzeIngest", "SilverTransform", "GoldPublish", "RecordEvent"]
    assert call("logs", "--execution", "exec_other").stdout == ""
    of_function = call("logs", "--function", "GoldPublish").stdout.splitlines()
    assert {line.split()[1] for line in of_function} == {"GoldPublish"}
    assert "no function Nobody" in call("logs", "--function", "Nobody").stderr


@pytest.mark.usefixtures("up")
def test_a_stack_that_runs_is_not_reset(call: Call) -> None:
    refused = call("reset", "--yes")
    assert (refused.returncode, "is in use by process" in refused.stderr) == (1, True)


def start_run(state: Path, folder: Path) -> tuple[subprocess.Popen[str], str]:
    """A run in the middle of a step of the shared stack, and the name of its execution."""
    process = subprocess.Popen(
        [*command("run", "--sample"), "--state", str(state)],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    execution = ""
    for line in process.stdout:
        if line.startswith("Execution "):
            execution = line.split()[1]
        if line.endswith(" running\n"):
            return process, execution
    raise AssertionError("the run ended before it could be disturbed")


@pytest.mark.parametrize("killed", ["reaper", "awslambdaric", "forking", "ministack", "stack", "everything"])
def test_whatever_is_killed_in_mid_run_the_next_up_has_the_objects_and_works(
    up: dict[str, str], call: Call, state: Path, tmp_path: Path, killed: str
) -> None:
    bucket, key = up["FLOWFORGE_DATA_BUCKET"], f"kept/{killed}"
    client(up, "s3").put_object(Bucket=bucket, Key=key, Body=b"1")
    running, disturbed = start_run(state, tmp_path)
    kinds = family(state)
    everybody = [process for of_kind in kinds.values() for process in of_kind]
    doomed = everybody if killed == "everything" else kinds[killed]
    for process in doomed:
        process.kill()
    running.communicate(timeout=RUN_SECONDS)
    ends_all = killed in ("stack", "everything")
    _, alive = psutil.wait_procs(everybody if ends_all else doomed, timeout=END_SECONDS)
    assert alive == []
    if ends_all:
        told = call("status")
        assert (told.returncode, "was killed" in told.stdout) == (1, True)
        up = started(call)
    assert client(up, "s3").get_object(Bucket=bucket, Key=key)["Body"].read() == b"1"
    done = call("run", "five.csv", "--name", f"after-{killed}")
    assert (done.returncode, done.stderr) == (0, "")
    statuses = ended_executions(up)
    # A function's process that dies, or whose server does, fails its job, which the record then says; nothing else may cost
    # an execution its success.
    lake = lake_of(up)
    stored = lake.read(keys.record_key(disturbed))
    assert stored is not None
    record = json.loads(stored[0])
    assert record["status"].upper() == statuses[disturbed]
    assert record["status"] == "succeeded" or killed in ("awslambdaric", "forking"), json.dumps(record, indent=1)
    if record["status"] == "succeeded":
        workflow = load_workflow(PROJECT / "examples" / "shop" / "workflow.yaml")
        assert broken_promises(workflow, read_results(lake, disturbed, workflow)) == []


def ended_executions(variables: dict[str, str]) -> dict[str, str]:
    """The status of each execution, once none is running any more."""
    states, deadline, pause = client(variables, "stepfunctions"), time.monotonic() + RUN_SECONDS, threading.Event()
    [machine] = states.list_state_machines()["stateMachines"]
    while True:
        executions = states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
        statuses = {execution["name"]: execution["status"] for execution in executions}
        if "RUNNING" not in statuses.values():
            return statuses
        assert time.monotonic() < deadline, statuses
        pause.wait(0.1)


def lake_of(variables: dict[str, str]) -> Lake:
    session = boto3.session.Session(variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1")
    return Lake.connect(variables["FLOWFORGE_DATA_BUCKET"], session, endpoint_url=variables["AWS_ENDPOINT_URL"])


@pytest.mark.usefixtures("up")
def test_down_ends_every_process_and_reset_removes_what_was_kept(call: Call, state: Path) -> None:
    assert call("down").returncode == 0
    assert processes_of_stack(state) == []
    assert not (state / "stack.json").exists()
    assert (call("status").returncode, call("down").returncode) == (1, 0)
    unasked = call("reset")
    assert unasked.returncode != 0
    assert (state / "s3").exists()
    assert call("reset", "--yes").returncode == 0
    assert [path.name for path in state.iterdir()] == ["lock"]


def test_in_the_foreground_an_interrupt_ends_the_stack_in_order(state: Path) -> None:
    process = subprocess.Popen(
        [*command("up"), "--state", str(state)],
        cwd=PROJECT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("export AWS_ENDPOINT_URL=")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=RUN_SECONDS)
    assert (process.returncode, errors.splitlines()[-1]) == (0, "stopped")
    assert processes_of_stack(state) == []
