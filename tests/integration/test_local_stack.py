"""The whole stack, for real: ministack, the runtime client, the Step Functions service, boto3 against all of them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from flowforge.local.errors import LocalStackError
from flowforge.local.project import find_project
from flowforge.local.stack import LocalStack

TEMPLATE = """
Parameters:
  DataBucketName: {Type: "AWS::SSM::Parameter::Value<String>", Default: /flowforge/dev/data-bucket}
Globals:
  Function:
    Timeout: 20
    MemorySize: 512
    Environment: {Variables: {FLOWFORGE_DATA_BUCKET: !Ref DataBucketName}}
Resources:
  Store:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/store/, Handler: handler.handle}
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: flow.asl.json
      DefinitionSubstitutions: {StoreArn: !GetAtt Store.Arn}
"""
HANDLER = """
import os

import boto3

s3 = boto3.client("s3")


def handle(event, context):
    s3.put_object(Bucket=os.environ["FLOWFORGE_DATA_BUCKET"], Key=event["key"], Body=event["text"].encode())
    return {"stored": event["key"]}
"""
DEFINITION: dict[str, Any] = {
    "QueryLanguage": "JSONata",
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "Items": "{% $states.input.keys %}",
            "ItemProcessor": {
                "StartAt": "Store",
                "States": {
                    "Store": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::lambda:invoke",
                        "Arguments": {
                            "FunctionName": "${StoreArn}",
                            "Payload": {"key": "{% $states.input %}", "text": "{% $states.context.Execution.Name %}"},
                        },
                        "Output": "{% $states.result.Payload.stored %}",
                        "End": True,
                    }
                },
            },
            "End": True,
        }
    },
}
# Brings a stack up in a process of its own, tells its pid and its children's, and waits to be killed.
HOLDER = """
import sys
from pathlib import Path

import psutil

from flowforge.local.stack import LocalStack

with LocalStack(Path(sys.argv[1]), Path(sys.argv[2])):
    print(*[child.pid for child in psutil.Process().children(recursive=True)], flush=True)
    sys.stdin.read()
"""


def make_project(folder: Path, definition: dict[str, Any] | None = None) -> Path:
    """A project of one function that stores objects, and a machine that calls it for every key."""
    (folder / "functions" / "store").mkdir(parents=True)
    (folder / "functions" / "store" / "handler.py").write_text(HANDLER)
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "flow.asl.json").write_text(json.dumps(definition or DEFINITION))
    return folder


@pytest.fixture(scope="module", autouse=True)
def compiled_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One place for compiled files, as `make test` names one: with one for every stack, each test would compile boto3 anew."""
    with pytest.MonkeyPatch.context() as patch:
        if "PYTHONPYCACHEPREFIX" not in os.environ:
            patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("pycache")))
        yield


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def stack(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(project, tmp_path_factory.mktemp("state")) as running:
        yield running


def wait_until(holds: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
        pause.wait(0.02)


def execute(stack: LocalStack, value: Any) -> dict[str, Any]:
    """Run an execution of the stack's machine to its end."""
    states = stack.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=stack.state_machine_arn, input=json.dumps(value))["executionArn"]
    wait_until(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")
    return dict(states.describe_execution(executionArn=arn))


def read(stack: LocalStack, key: str) -> str:
    answer = stack.client("s3").get_object(Bucket=stack.data_bucket, Key=key)
    return str(answer["Body"].read().decode())


def subscribed(stack: LocalStack, topic: str) -> str:
    """A queue that hears what the topic is told; its URL."""
    queue = stack.client("sqs").create_queue(QueueName=f"hears-{topic}")["QueueUrl"]
    (arn,) = [item["TopicArn"] for item in stack.client("sns").list_topics()["Topics"] if item["TopicArn"].endswith(f":{topic}")]
    names = ["QueueArn"]
    endpoint = stack.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]["QueueArn"]
    stack.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=endpoint)
    return str(queue)


def next_event(stack: LocalStack, queue: str) -> dict[str, Any]:
    """The next event that a topic gave to a queue."""
    for _ in range(10):
        for message in stack.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=3).get("Messages", []):
            return dict(json.loads(json.loads(message["Body"])["Message"]))
    raise AssertionError("nothing came")


def descendants() -> list[psutil.Process]:
    """The processes of this one, but those that a database makes and ends as it likes."""
    found = psutil.Process().children(recursive=True)
    servers = {process.pid for process in found if process.name() == "postgres"}
    return [process for process in found if process.ppid() not in servers]


def gone(pids: list[int]) -> bool:
    return all(not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in pids)


def test_an_execution_runs_functions_that_write_to_the_lake(stack: LocalStack) -> None:
    description = execute(stack, {"keys": ["a/1", "a/2", "a/3"]})
    assert (description["status"], json.loads(description["output"])) == ("SUCCEEDED", ["a/1", "a/2", "a/3"])
    assert read(stack, "a/2") == description["name"]


def test_a_function_can_be_invoked_alone(stack: LocalStack) -> None:
    payload = json.dumps({"key": "b/1", "text": "by hand"}).encode()
    answer = stack.client("lambda").invoke(FunctionName="Store", Payload=payload)
    assert json.loads(answer["Payload"].read()) == {"stored": "b/1"}
    assert read(stack, "b/1") == "by hand"


def test_the_data_bucket_keeps_versions(stack: LocalStack) -> None:
    versioning = stack.client("s3").get_bucket_versioning(Bucket=stack.data_bucket)
    assert (stack.data_bucket, versioning["Status"]) == ("flowforge-dev-data", "Enabled")


def test_the_environment_leads_boto3_to_the_stack(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    session = boto3.session.Session()
    machines = session.client("stepfunctions").list_state_machines()["stateMachines"]
    assert [machine["stateMachineArn"] for machine in machines] == [stack.state_machine_arn]
    assert session.client("s3").list_buckets()["Buckets"][0]["Name"] == stack.environment()["FLOWFORGE_DATA_BUCKET"]
    answer = session.client("lambda").invoke(FunctionName="Store", Payload=b'{"key": "c/1", "text": ""}')
    assert answer["StatusCode"] == 200


def test_nothing_listens_outside_of_this_machine(stack: LocalStack) -> None:
    execute(stack, {"keys": ["d/1"]})
    connections = [item for process in (psutil.Process(), *descendants()) for item in process.net_connections("inet")]
    listening = [item.laddr.ip for item in connections if item.status == psutil.CONN_LISTEN]
    datagrams = [item for item in connections if item.type.name == "SOCK_DGRAM"]
    assert len(listening) >= 3
    assert set(listening) == {"127.0.0.1"}
    assert datagrams == []


def test_a_state_folder_serves_one_stack_at_a_time(project: Path, tmp_path: Path) -> None:
    with LocalStack(project, tmp_path):
        before = set(descendants())
        with pytest.raises(LocalStackError, match=r"is in use by process \d+"), LocalStack(project, tmp_path):
            pass
        assert set(descendants()) == before


def test_two_stacks_in_two_folders_do_not_disturb_each_other(stack: LocalStack, project: Path, tmp_path: Path) -> None:
    with LocalStack(project, tmp_path) as other:
        execute(other, {"keys": ["e/1"]})
        assert read(other, "e/1")
        assert "Contents" not in stack.client("s3").list_objects_v2(Bucket=stack.data_bucket, Prefix="e/")


def test_objects_outlive_the_stack_and_processes_do_not(project: Path, tmp_path: Path) -> None:
    before = set(descendants())
    with LocalStack(project, tmp_path) as first:
        name = execute(first, {"keys": ["f/1"]})["name"]
    assert set(descendants()) == before
    with LocalStack(project, tmp_path) as second:
        assert read(second, "f/1") == name


def test_an_interrupt_inside_the_block_ends_everything(project: Path, tmp_path: Path) -> None:
    before = set(descendants())
    with pytest.raises(KeyboardInterrupt), LocalStack(project, tmp_path):
        raise KeyboardInterrupt
    assert set(descendants()) == before


def test_a_definition_that_is_refused_ends_the_start_with_its_place(tmp_path: Path) -> None:
    broken = json.loads(json.dumps(DEFINITION).replace('"Map"', '"Perform"'))
    project = make_project(tmp_path / "project", broken)
    before = set(descendants())
    with pytest.raises(LocalStackError, match=r"flow\.asl\.json: .*/States/Each/Type"), LocalStack(project, tmp_path / "state"):
        pass
    assert set(descendants()) == before


def test_a_template_without_a_state_machine_is_refused(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    text = TEMPLATE[: TEMPLATE.index("  Flow:")]
    (project / "template.yaml").write_text(text)
    with pytest.raises(LocalStackError, match="declares: none"), LocalStack(project, tmp_path / "state"):
        pass


def test_a_killed_owner_leaves_no_process_and_a_usable_folder(project: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(project), str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        assert len(pids) >= 3
        owner.send_signal(signal.SIGKILL)
        owner.wait(timeout=30)
    wait_until(lambda: gone(pids))
    with LocalStack(project, tmp_path) as stack:
        assert execute(stack, {"keys": ["g/1"]})["status"] == "SUCCEEDED"


def test_the_shipped_machine_and_functions_come_up_and_record_a_failure(tmp_path: Path) -> None:
    with LocalStack(find_project(), tmp_path) as stack:
        heard = subscribed(stack, "flowforge-local-CompletionTopic")
        description = execute(stack, {"workflowId": "wf_nobody", "trigger": {"type": "manual"}})
        assert (description["status"], description["error"]) == ("FAILED", "ConfigFault")
        record = json.loads(read(stack, f"runs/{description['name']}/record.json"))
        assert (record["status"], record["error"]) == ("failed", "ConfigFault")
        event = next_event(stack, heard)
        assert (event["source"], event["detail-type"]) == ("flowforge", "Workflow Execution Completed")
        started, ended = (datetime.fromisoformat(event["detail"].pop(name)) for name in ("startedAt", "endedAt"))
        assert abs(started - description["startDate"]) < timedelta(milliseconds=1)
        assert started < ended <= description["stopDate"]
        assert event["detail"] == {
            "schemaVersion": 1,
            "stage": "dev",
            "workflowId": "wf_nobody",
            "executionId": description["name"],
            "status": "failed",
            "trigger": {"type": "manual"},
        }
