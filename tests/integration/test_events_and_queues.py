"""What calls functions by itself, on the whole stack: asynchronous calls, queues with their redrive, rules, and the logs."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from flowforge.local.stack import LocalStack

TEMPLATE = """
Resources:
  Dead: {Type: AWS::SQS::Queue}
  Ended: {Type: AWS::SQS::Queue}
  Wishes:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 5
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}
  Heard: {Type: AWS::SQS::Queue}
  Asked:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [test]}
      Targets: [{Id: heard, Arn: !GetAtt Heard.Arn}]
  Take:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: take/
      Timeout: 5
      MemorySize: 256
      LoggingConfig: {LogGroup: /shop/take}
      EventInvokeConfig:
        DestinationConfig:
          OnSuccess: {Type: SQS, Destination: !GetAtt Ended.Arn}
          OnFailure: {Type: SQS, Destination: !GetAtt Ended.Arn}
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}
      Events:
        Wishes:
          Type: SQS
          Properties:
            Queue: !GetAtt Wishes.Arn
            BatchSize: 3
            MaximumBatchingWindowInSeconds: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties: {DefinitionUri: flow.asl.json}
"""
HANDLER = """
def handle(event, context):
    if "Records" not in event:
        if event.get("fail"):
            raise ValueError("no luck")
        return {"done": event}
    failed = [record["messageId"] for record in event["Records"] if record["body"].startswith("bad")]
    print("batch", len(event["Records"]), "failed", len(failed), event["Records"][0]["attributes"]["ApproximateReceiveCount"])
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
"""
FLOW = {"QueryLanguage": "JSONata", "StartAt": "Go", "States": {"Go": {"Type": "Pass", "End": True}}}
PREFIX = "flowforge-local-"


class Hurry:
    """Retries without their minutes."""

    def now(self) -> float:
        return time.time()

    async def wait(self, _seconds: float) -> None:
        await asyncio.sleep(0)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def stack(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    project = tmp_path_factory.mktemp("project")
    (project / "take").mkdir()
    (project / "take" / "handler.py").write_text(HANDLER)
    (project / "template.yaml").write_text(TEMPLATE)
    (project / "flow.asl.json").write_text(json.dumps(FLOW))
    with LocalStack(project, state, pace=Hurry()) as running:
        yield running


def url_of(stack: LocalStack, queue: str) -> str:
    return str(stack.client("sqs").get_queue_url(QueueName=PREFIX + queue)["QueueUrl"])


def receive(stack: LocalStack, queue: str, *, seconds: float = 20) -> dict[str, Any]:
    """Take the next message of a queue."""
    sqs, deadline = stack.client("sqs"), time.monotonic() + seconds
    url = url_of(stack, queue)
    while time.monotonic() < deadline:
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2, MessageAttributeNames=["All"]).get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return dict(message)
    raise AssertionError(f"nothing came to {queue}")


def wait_until(holds: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
        pause.wait(0.05)


def messages_of(state: Path) -> list[str]:
    paths = (state / "logs" / "Take").glob("*.jsonl")
    return [json.loads(line)["message"] for path in paths for line in path.read_text().splitlines()]


def test_an_asynchronous_call_tells_its_destination_how_it_ended(stack: LocalStack) -> None:
    answer = stack.client("lambda").invoke(FunctionName="Take", InvocationType="Event", Payload=b'{"a": 1}')
    assert answer["StatusCode"] == 202
    record = json.loads(receive(stack, "Ended")["Body"])
    assert record["requestContext"]["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert (record["requestContext"]["condition"], record["responsePayload"]) == ("Success", {"done": {"a": 1}})


def test_an_asynchronous_call_that_fails_three_times_is_kept(stack: LocalStack, state: Path) -> None:
    stack.client("lambda").invoke(FunctionName="Take", InvocationType="Event", Payload=b'{"fail": true}')
    record = json.loads(receive(stack, "Ended")["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["responsePayload"]["errorMessage"] == "no luck"
    dead = receive(stack, "Dead")
    assert (dead["Body"], dead["MessageAttributes"]["ErrorMessage"]["StringValue"]) == ('{"fail": true}', "no luck")
    identifier = record["requestContext"]["requestId"]
    assert messages_of(state).count(f"END RequestId: {identifier}") == 3
    wait_until(lambda: not list((state / "events").glob("*.json")))


def test_messages_reach_the_function_in_batches_and_the_failed_ones_the_dead_letter_queue(stack: LocalStack, state: Path) -> None:
    sqs, url = stack.client("sqs"), url_of(stack, "Wishes")
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(["good 1", "bad", "good 2"])]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    wait_until(lambda: "batch 3 failed 1 1" in messages_of(state))
    # Received once and not done, it goes where the redrive policy says after the visibility timeout.
    assert receive(stack, "Dead")["Body"] == "bad"
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    wait_until(lambda: set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) == {"0"})


def test_a_rule_brings_events_to_its_queue(stack: LocalStack) -> None:
    entry = {"Source": "test", "DetailType": "asked", "Detail": '{"a": 1}'}
    stack.client("events").put_events(Entries=[entry])
    assert json.loads(receive(stack, "Heard")["Body"])["detail"] == {"a": 1}


def test_the_lines_of_a_call_reach_cloudwatch_logs(stack: LocalStack) -> None:
    answer = stack.client("lambda").invoke(FunctionName="Take", Payload=b"{}")
    end = f"END RequestId: {answer['ResponseMetadata']['RequestId']}"
    logs = stack.client("logs")

    def arrived() -> bool:
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        if "/shop/take" not in groups:
            return False
        events = logs.filter_log_events(logGroupName="/shop/take")["events"]
        return end in [event["message"] for event in events]

    wait_until(arrived)


def test_a_killed_emulator_comes_back_with_its_objects_and_what_is_declared(stack: LocalStack, state: Path) -> None:
    stack.client("s3").put_object(Bucket=stack.data_bucket, Key="kept", Body=b"1")
    mine = [child for child in psutil.Process().children(recursive=True) if any("ministack" in part for part in child.cmdline())]
    assert len(mine) >= 2
    for process in mine:
        process.kill()
    wait_until(lambda: "the emulator is back" in (state / "logs" / "stack.log").read_text(), seconds=40)
    assert stack.client("s3").get_object(Bucket=stack.data_bucket, Key="kept")["Body"].read() == b"1"
    stack.client("sqs").send_message(QueueUrl=url_of(stack, "Wishes"), MessageBody="good 3")
    wait_until(lambda: "batch 1 failed 0 1" in messages_of(state))
