"""What calls a function by itself, and what the emulator must hold, as the template declares it."""

from pathlib import Path
from textwrap import dedent

import pytest

from flowforge.local.errors import LocalStackError
from flowforge.local.template import Destination, QueueMapping, Template
from flowforge.local.template_reader import read_template

SHOP = """
    Resources:
      Failed: {Type: AWS::SQS::Queue}
      Orders:
        Type: AWS::SQS::Queue
        Properties:
          QueueName: orders.fifo
          FifoQueue: true
          VisibilityTimeout: 60
          RedrivePolicy: {deadLetterTargetArn: !GetAtt Failed.Arn, maxReceiveCount: 3}
      Files:
        Type: AWS::S3::Bucket
        Properties:
          VersioningConfiguration: {Status: Enabled}
          NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: true}}
      News: {Type: AWS::SNS::Topic}
      Bus: {Type: AWS::Events::EventBus, Properties: {Name: shop}}
      Landed:
        Type: AWS::Events::Rule
        Properties:
          EventPattern: {source: [aws.s3]}
          Targets: [{Id: queue, Arn: !GetAtt Orders.Arn, SqsParameters: {MessageGroupId: one}}]
      Take:
        Type: AWS::Serverless::Function
        Properties:
          CodeUri: functions/take/
          Timeout: 20
          ReservedConcurrentExecutions: 2
          EphemeralStorage: {Size: 1024}
          Environment: {Variables: {QUEUE: !Ref Orders, FILES: !Ref Files, BUS: !Ref Bus, NEWS: !Ref News}}
          LoggingConfig: {LogGroup: !Ref TakeLogs}
          DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Failed.Arn}
          EventInvokeConfig:
            MaximumRetryAttempts: 1
            MaximumEventAgeInSeconds: 60
            DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Failed.Arn}}
          Events:
            Orders:
              Type: SQS
              Properties:
                Queue: !GetAtt Orders.Arn
                BatchSize: 5
                FunctionResponseTypes: [ReportBatchItemFailures]
                ScalingConfig: {MaximumConcurrency: 2}
      TakeLogs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /shop/take}}
"""
ARN = "arn:aws:sqs:us-east-1:000000000000"


def read(folder: Path, text: str = SHOP) -> Template:
    (folder / "functions" / "take").mkdir(parents=True, exist_ok=True)
    path = folder / "template.yaml"
    path.write_text(dedent(text))
    return read_template(path, parameters={}, environment={}, endpoint="http://127.0.0.1:1")


def test_limits_and_log_group_are_read(tmp_path: Path) -> None:
    [take] = read(tmp_path).functions
    assert (take.reserved_concurrency, take.ephemeral_mb, take.log_group) == (2, 1024, "/shop/take")
    assert take.environment == {
        "QUEUE": "http://127.0.0.1:1/000000000000/orders.fifo",
        "FILES": "flowforge-local-files",
        "BUS": "shop",
        "NEWS": "arn:aws:sns:us-east-1:000000000000:flowforge-local-News",
    }


def test_asynchronous_settings_and_queues_of_a_function_are_read(tmp_path: Path) -> None:
    [take] = read(tmp_path).functions
    failed = Destination("SQS", f"{ARN}:flowforge-local-Failed")
    calls = take.asynchronous
    assert (calls.retries, calls.maximum_age_seconds, calls.on_success) == (1, 60, None)
    assert (calls.on_failure, calls.dead_letters) == (failed, failed)
    assert take.queues == (QueueMapping(f"{ARN}:orders.fifo", 5, 0.0, True, 2),)


def test_queues_buckets_and_rules_are_read(tmp_path: Path) -> None:
    resources = read(tmp_path).resources
    failed, orders = resources.queues
    assert (failed.name, failed.redrive, failed.visibility_seconds) == ("flowforge-local-Failed", None, 30)
    assert orders.attributes == {"FifoQueue": "true", "VisibilityTimeout": "60"}
    assert orders.redrive == {"deadLetterTargetArn": failed.arn, "maxReceiveCount": 3}
    [bucket] = resources.buckets
    assert (bucket.name, bucket.versioned, bucket.tells_events) == ("flowforge-local-files", True, True)
    [rule] = resources.rules
    assert (rule.bus, rule.enabled, rule.targets[0]["Arn"]) == ("default", True, orders.arn)
    assert (resources.topics, resources.buses) == (("flowforge-local-News",), ("shop",))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Type: SQS\n              Prop", "Type: Kafka\n              Prop", "Take/Events/Orders: .* this one is Kafka"),
        ("Queue: !GetAtt Orders.Arn", "Queue: elsewhere", "Events/Orders/Queue: .*no queue with the ARN elsewhere"),
        ("BatchSize: 5", "BatchSize: 11", "BatchSize: 11 is not between 1 and 10"),
        ("BatchSize: 5", "FilterCriteria: {}", "does not know FilterCriteria"),
        ("BatchSize: 5", "MaximumBatchingWindowInSeconds: 1", "a FIFO queue has no batching window"),
        ("VisibilityTimeout: 60", "VisibilityTimeout: 19", "VisibilityTimeout of 19 s is less than the function's Timeout"),
        (
            "OnFailure: {Type: SQS, Destination: !GetAtt Failed.Arn}",
            "OnFailure: {Type: SQS}",
            "OnFailure/Destination: .*name one",
        ),
        ("{Type: SQS, TargetArn: !GetAtt Failed.Arn}", "{Type: S3, TargetArn: a}", "Take/DeadLetterQueue: it needs a Type"),
        ("Arn: !GetAtt Orders.Arn, Sqs", "Arn: !GetAtt Take.Arn, Sqs", "Landed/Targets: .*let one stand between"),
        ("EventPattern: {source: [aws.s3]}", "ScheduleExpression: rate(1 day)", "Landed: .*EventPattern only"),
    ],
)
def test_what_a_laptop_cannot_do_is_an_error_that_names_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SHOP
    with pytest.raises(LocalStackError, match=message):
        read(tmp_path, SHOP.replace(old, new))


def test_a_mapping_that_is_switched_off_is_left_out(tmp_path: Path) -> None:
    [take] = read(tmp_path, SHOP.replace("BatchSize: 5", "Enabled: false")).functions
    assert take.queues == ()


def test_a_large_batch_needs_a_window(tmp_path: Path) -> None:
    standard = SHOP.replace("orders.fifo", "orders").replace("          FifoQueue: true\n", "")
    with pytest.raises(LocalStackError, match="needs a MaximumBatchingWindowInSeconds"):
        read(tmp_path, standard.replace("BatchSize: 5", "BatchSize: 11"))
