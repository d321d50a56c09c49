"""An execution is followed until it has ended, by the service's own API."""

from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.stub import Stubber

from flowforge.cli.follow import follow
from flowforge.cli.progress import Progress, StepState
from flowforge.model.step import Step

ARN = "arn:aws:states:us-east-1:123456789012:execution:machine:exec_1"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def description(status: str) -> dict[str, Any]:
    return {"executionArn": ARN, "stateMachineArn": ARN, "status": status, "startDate": NOW}


def entered(number: int, name: str) -> dict[str, Any]:
    details = {"name": name, "input": '{"jobId": "a"}'}
    return {"id": number, "timestamp": NOW, "type": "TaskStateEntered", "stateEnteredEventDetails": details}


def test_every_page_is_read_and_the_last_look_comes_after_the_end() -> None:
    client = boto3.client("stepfunctions", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    first, second = entered(1, "BronzeIngest"), entered(2, "SilverTransform")
    seen: list[Progress] = []
    pauses: list[float] = []
    with Stubber(client) as service:
        service.add_response("describe_execution", description("RUNNING"), {"executionArn": ARN})
        service.add_response("get_execution_history", {"events": [first]}, {"executionArn": ARN})
        service.add_response("describe_execution", description("SUCCEEDED"), {"executionArn": ARN})
        service.add_response("get_execution_history", {"events": [first], "nextToken": "t"}, {"executionArn": ARN})
        service.add_response("get_execution_history", {"events": [second]}, {"executionArn": ARN, "nextToken": "t"})
        last, progress = follow(client, ARN, seen.append, pause=pauses.append)
    assert last["status"] == "SUCCEEDED"
    assert len(pauses) == 1
    assert [look.step("a", Step.SILVER_TRANSFORM).state for look in seen] == [StepState.WAITING, StepState.RUNNING]
    assert seen[-1] == progress
