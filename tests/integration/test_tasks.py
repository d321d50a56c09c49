"""Tasks of the whole stack: a worker that the state machine runs, its way to the lake, its log, and its end with the stack."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from flowforge.local.leftovers import processes_of_stack
from flowforge.local.stack import LocalStack

TEMPLATE = """
Parameters:
  DataBucketName: {Type: "AWS::SSM::Parameter::Value<String>", Default: /flowforge/dev/data-bucket}
  SubnetIds: {Type: "List<AWS::EC2::Subnet::Id>"}
Resources:
  Batch:
    Type: AWS::ECS::Cluster
    Properties: {ClusterName: batch}
  WorkerLogs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /shop/worker}}
  Worker:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: shop-worker
      Cpu: "256"
      Memory: "512"
      ContainerDefinitions:
        - Name: worker
          Environment: [{Name: FLOWFORGE_DATA_BUCKET, Value: !Ref DataBucketName}]
          LogConfiguration:
            LogDriver: awslogs
            Options: {awslogs-group: !Ref WorkerLogs, awslogs-stream-prefix: ecs}
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: flow.asl.json
      DefinitionSubstitutions:
        Cluster: !GetAtt Batch.Arn
        Task: !Ref Worker
        Subnets: !Join [",", !Ref SubnetIds]
"""
WORKER = """
import os
import sys
import time

import boto3

key, here = sys.argv[1:]
print("storing", key, flush=True)
if here:
    # Only the first run waits: it is the one that is cut off.
    first = not os.path.exists(here)
    with open(here, "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60 if first else 0)
boto3.client("s3").put_object(Bucket=os.environ["FLOWFORGE_DATA_BUCKET"], Key=key, Body=b"stored")
"""
DEFINITION: dict[str, Any] = {
    "QueryLanguage": "JSONata",
    "StartAt": "Run",
    "States": {
        "Run": {
            "Type": "Task",
            "Resource": "arn:aws:states:::ecs:runTask.sync",
            "Arguments": {
                "Cluster": "${Cluster}",
                "TaskDefinition": "${Task}",
                "LaunchType": "FARGATE",
                "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": "{% $split('${Subnets}', ',') %}"}},
                "ClientToken": "{% $states.context.Execution.Name %}",
                "Overrides": {
                    "ContainerOverrides": [{"Name": "worker", "Command": ["{% $states.input.key %}", "{% $states.input.here %}"]}]
                },
            },
            "TimeoutSeconds": 60,
            "End": True,
        }
    },
}
# Brings a stack up in a process of its own, starts an execution that waits in its task, and waits to be killed.
HOLDER = """
import json
import sys
from pathlib import Path

from flowforge.local.stack import LocalStack

project, state, here = map(Path, sys.argv[1:])
with LocalStack(project, state) as stack:
    request = json.dumps({"key": "cut/off", "here": str(here)})
    stack.client("stepfunctions").start_execution(stateMachineArn=stack.state_machine_arn, name="cut-off", input=request)
    sys.stdin.read()
"""


def make_project(folder: Path) -> Path:
    (folder / "functions" / "worker").mkdir(parents=True)
    (folder / "functions" / "worker" / "worker.py").write_text(WORKER)
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "flow.asl.json").write_text(json.dumps(DEFINITION))
    return folder


def wait_until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
        pause.wait(0.05)


def wait_for(stack: LocalStack, arn: str) -> dict[str, Any]:
    states = stack.client("stepfunctions")
    wait_until(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")
    return dict(states.describe_execution(executionArn=arn))


def messages(stack: LocalStack) -> list[str]:
    logs = stack.client("logs")
    streams = logs.describe_log_streams(logGroupName="/shop/worker")["logStreams"]
    assert all(stream["logStreamName"].startswith("ecs/worker/") for stream in streams)
    found = [logs.get_log_events(logGroupName="/shop/worker", logStreamName=item["logStreamName"]) for item in streams]
    return [event["message"] for answer in found for event in answer["events"]]


def told(stack: LocalStack) -> bool:
    try:
        return messages(stack) == ["storing a/1"]
    except stack.client("logs").exceptions.ResourceNotFoundException:
        return False


def test_a_task_writes_to_the_lake_and_to_its_log_group(tmp_path: Path) -> None:
    with LocalStack(make_project(tmp_path / "project"), tmp_path / "state") as stack:
        request = json.dumps({"key": "a/1", "here": ""})
        states = stack.client("stepfunctions")
        arn = states.start_execution(stateMachineArn=stack.state_machine_arn, input=request)["executionArn"]
        ended = wait_for(stack, arn)
        assert ended["status"] == "SUCCEEDED", ended
        assert json.loads(ended["output"])["Containers"][0]["ExitCode"] == 0
        assert stack.client("s3").get_object(Bucket=stack.data_bucket, Key="a/1")["Body"].read() == b"stored"
        wait_until(lambda: told(stack))
    # Others of this test run may have a database.
    assert not processes_of_stack((tmp_path / "state").resolve())


def test_a_task_ends_with_a_killed_stack_and_is_started_again_by_the_next(tmp_path: Path) -> None:
    project, state, here = make_project(tmp_path / "project"), tmp_path / "state", tmp_path / "here"
    command = [sys.executable, "-c", HOLDER, str(project), str(state), str(here)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as owner:
        wait_until(lambda: here.exists() and here.read_text() != "")
        owner.send_signal(signal.SIGKILL)
        owner.wait(timeout=30)
    first = int(here.read_text())
    wait_until(lambda: not psutil.pid_exists(first) or psutil.Process(first).status() == psutil.STATUS_ZOMBIE)
    with LocalStack(project, state) as stack:
        arn = stack.state_machine_arn.replace(":stateMachine:", ":execution:") + ":cut-off"
        ended = wait_for(stack, arn)
        assert ended["status"] == "SUCCEEDED", ended
        assert stack.client("s3").get_object(Bucket=stack.data_bucket, Key="cut/off")["Body"].read() == b"stored"
