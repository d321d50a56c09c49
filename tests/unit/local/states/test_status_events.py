"""The events that tell EventBridge how an execution goes."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from flowforge.local.states.clock import LoopClock, VirtualTimeLoop
from flowforge.local.states.execution import Execution
from flowforge.local.states.service import StatesService
from flowforge.local.states.status_events import StatusEvents
from unit.local.states_lab import DAWN, ROLE, single

EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:Test:run"


class Bus:
    """Every client of a bus whose one rule takes all events for one queue."""

    def __init__(self, **target: Any) -> None:
        self.messages: list[dict[str, Any]] = []
        self.tested: list[dict[str, Any]] = []
        self._target = {"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:told", **target}

    def list_rules(self, **request: Any) -> dict[str, Any]:
        if "NextToken" not in request:
            return {"Rules": [{"Name": "off", "State": "DISABLED", "EventPattern": "{}"}], "NextToken": "2"}
        return {"Rules": [{"Name": "all", "State": "ENABLED", "EventPattern": "{}"}, {"Name": "clock", "State": "ENABLED"}]}

    def test_event_pattern(self, **request: Any) -> dict[str, bool]:
        self.tested.append(json.loads(request["Event"]))
        return {"Result": True}

    def list_targets_by_rule(self, **request: Any) -> dict[str, Any]:
        assert request == {"Rule": "all"}
        return {"Targets": [self._target]}

    def get_queue_url(self, **request: Any) -> dict[str, str]:
        return {"QueueUrl": f"http://queues/{request['QueueName']}"}

    def send_message(self, **request: Any) -> None:
        self.messages.append(request)

    def publish(self, **request: Any) -> None:
        self.messages.append(request)

    def invoke(self, **request: Any) -> None:
        self.messages.append(request)

    def start_execution(self, **request: Any) -> None:
        self.messages.append(request)

    @property
    def details(self) -> list[dict[str, Any]]:
        return [event["detail"] for event in self.tested]


def tell(state: dict[str, Any], client: Any, text: str = "{}") -> Execution:
    """Run one state with a service that tells the status of its execution."""
    loop = VirtualTimeLoop()
    events = StatusEvents(lambda service: client)  # noqa: ARG005 -- there is one service

    async def main() -> Execution:
        service = StatesService([], clock=LoopClock(loop, DAWN), on_status=events)
        machine = service.machines.create("Test", json.dumps(single(state)), ROLE)
        execution = service.start_execution(machine.arn, text, "run")
        assert execution.task is not None
        await execution.task
        return execution

    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()
        events.close()


def test_start_and_end_are_told_in_order() -> None:
    client = Bus()
    tell({"Type": "Wait", "Seconds": 2}, client, '{"a": 1}')
    assert [(event["source"], event["detail-type"], event["resources"], event["time"]) for event in client.tested] == [
        ("aws.states", "Step Functions Execution Status Change", [EXECUTION], f"2026-11-23T06:00:0{second}Z") for second in (0, 2)
    ]
    assert [json.loads(message["MessageBody"]) for message in client.messages] == client.tested
    begun, ended = client.details
    start = round(DAWN.timestamp() * 1000)
    assert (begun["status"], begun["startDate"], begun["stopDate"], begun["output"]) == ("RUNNING", start, None, None)
    assert ended == {
        "executionArn": EXECUTION,
        "stateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:Test",
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": "run",
        "status": "SUCCEEDED",
        "startDate": start,
        "stopDate": start + 2000,
        "input": '{"a": 1}',
        "inputDetails": {"included": True},
        "output": '{"a":1}',
        "outputDetails": {"included": True},
        "error": None,
        "cause": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": None,
    }


def test_a_failure_tells_error_and_cause() -> None:
    client = Bus()
    tell({"Type": "Pass", "Output": "{% $states.input.absent %}"}, client)
    detail = client.details[-1]
    assert (detail["status"], detail["error"], detail["outputDetails"]) == ("FAILED", "States.QueryEvaluationError", None)


def test_data_that_is_too_large_for_an_event_is_left_out() -> None:
    client = Bus()
    tell({"Type": "Pass", "Output": 1}, client, json.dumps("x" * 255_000))
    detail = client.details[-1]
    assert (detail["input"], detail["inputDetails"], detail["outputDetails"]) == (None, {"included": False}, {"included": False})


class Unreachable:
    """A client whose service is not there."""

    def list_rules(self) -> dict[str, Any]:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1")


def test_an_execution_does_not_depend_on_its_events(caplog: pytest.LogCaptureFixture) -> None:
    assert tell({"Type": "Pass"}, Unreachable()).status.value == "SUCCEEDED"
    assert len([record for record in caplog.records if EXECUTION in record.getMessage()]) == 2


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            {"Input": "told", "SqsParameters": {"MessageGroupId": "g"}},
            {"QueueUrl": "http://queues/told", "MessageBody": "told", "MessageGroupId": "g"},
        ),
        ({"Arn": "arn:aws:sns:r:1:t", "Input": "told"}, {"TopicArn": "arn:aws:sns:r:1:t", "Message": "told"}),
        (
            {"Arn": "arn:aws:lambda:r:1:function:f", "Input": "told"},
            {"FunctionName": "arn:aws:lambda:r:1:function:f", "InvocationType": "Event", "Payload": b"told"},
        ),
        (
            {"Arn": "arn:aws:states:r:1:stateMachine:m", "Input": "{}"},
            {"stateMachineArn": "arn:aws:states:r:1:stateMachine:m", "input": "{}"},
        ),
    ],
)
def test_targets_are_served_by_their_service(target: dict[str, Any], message: dict[str, Any]) -> None:
    client = Bus(**target)
    tell({"Type": "Pass"}, client)
    assert client.messages == [message, message]


@pytest.mark.parametrize("target", [{"InputPath": "$.detail"}, {"Arn": "arn:aws:kinesis:r:1:stream/s"}])
def test_a_target_that_is_not_served_is_named(target: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    client = Bus(**target)
    tell({"Type": "Pass"}, client)
    assert (client.messages, "the rule all has a target" in caplog.text) == ([], True)
