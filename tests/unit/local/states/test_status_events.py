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


class Events:
    """A client of EventBridge that keeps what it is given."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, **request: Any) -> dict[str, Any]:
        self.entries.extend(request["Entries"])
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}


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
    client = Events()
    tell({"Type": "Wait", "Seconds": 2}, client, '{"a": 1}')
    assert {(entry["Source"], entry["DetailType"], *entry["Resources"]) for entry in client.entries} == {
        ("aws.states", "Step Functions Execution Status Change", EXECUTION)
    }
    begun, ended = (json.loads(entry["Detail"]) for entry in client.entries)
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
    client = Events()
    tell({"Type": "Pass", "Output": "{% $states.input.absent %}"}, client)
    detail = json.loads(client.entries[-1]["Detail"])
    assert (detail["status"], detail["error"], detail["outputDetails"]) == ("FAILED", "States.QueryEvaluationError", None)


def test_data_that_is_too_large_for_an_event_is_left_out() -> None:
    client = Events()
    tell({"Type": "Pass", "Output": 1}, client, json.dumps("x" * 255_000))
    detail = json.loads(client.entries[-1]["Detail"])
    assert (detail["input"], detail["inputDetails"], detail["outputDetails"]) == (None, {"included": False}, {"included": False})


class Unreachable:
    """A client whose service is not there."""

    def put_events(self, **request: Any) -> dict[str, Any]:
        raise EndpointConnectionError(endpoint_url=str(request))


class Refusing:
    """A client whose service takes no event."""

    def put_events(self, **request: Any) -> dict[str, Any]:
        return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "Refused", "ErrorMessage": str(request)}]}


@pytest.mark.parametrize("client", [Unreachable(), Refusing()])
def test_an_execution_does_not_depend_on_its_events(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert tell({"Type": "Pass"}, client).status.value == "SUCCEEDED"
    assert len([record for record in caplog.records if EXECUTION in record.getMessage()]) == 2
