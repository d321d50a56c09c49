"""The event of a completed execution, and what becomes of one that EventBridge does not take."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from flowforge.model.errors import ConfigFault, FlowForgeError, RetryLater
from flowforge.model.execution import ExecutionRecord
from flowforge.orchestration.completions import Completions

RECORD = ExecutionRecord(
    execution_id="exec_1",
    status="failed",
    workflow_id="wf_shop",
    trigger={"type": "arrival", "detail": "landing/wf_shop/job_orders/orders.csv"},
    started_at=datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
    ended_at=datetime(2026, 11, 23, 6, 0, 21, 500_000, tzinfo=UTC),
    error="WorkflowFailed",
    cause="1 of 1 jobs failed",
)
TAKEN: dict[str, Any] = {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}


@pytest.fixture
def completions(aws: boto3.session.Session) -> Completions:
    return Completions("qa", aws.client("events"))


@pytest.fixture
def bus(completions: Completions) -> Iterator[Stubber]:
    with Stubber(completions.client) as stubber:
        yield stubber


def test_the_event_tells_which_execution_ended_how_and_when(completions: Completions, bus: Stubber) -> None:
    put: list[Any] = []
    bus.add_response("put_events", TAKEN)
    completions.client.meta.events.register(
        "provide-client-params.events.PutEvents", lambda params, **_: put.extend(params["Entries"])
    )
    completions.tell(RECORD)
    (entry,) = put
    assert (entry["Source"], entry["DetailType"]) == ("flowforge", "Workflow Execution Completed")
    assert json.loads(entry["Detail"]) == {
        "schemaVersion": 1,
        "stage": "qa",
        "workflowId": "wf_shop",
        "executionId": "exec_1",
        "status": "failed",
        "startedAt": "2026-11-23T06:00:00Z",
        "endedAt": "2026-11-23T06:00:21.500000Z",
        "trigger": {"type": "arrival", "detail": "landing/wf_shop/job_orders/orders.csv"},
    }


@pytest.mark.parametrize(
    ("code", "error"),
    [("ThrottlingException", RetryLater), ("InternalFailure", RetryLater), ("NotAuthorizedForDetailTypeException", ConfigFault)],
)
def test_an_event_that_the_bus_does_not_take_is_an_error_although_the_answer_is_none(
    completions: Completions, bus: Stubber, code: str, error: type[FlowForgeError]
) -> None:
    bus.add_response("put_events", {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]})
    with pytest.raises(error, match=f"the end of exec_1 is recorded, but EventBridge did not take its event: {code}: no"):
        completions.tell(RECORD)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (503, "ServiceUnavailable", RetryLater),
        (400, "ThrottlingException", RetryLater),
        (400, "AccessDeniedException", ConfigFault),
    ],
)
def test_a_busy_bus_is_asked_again_and_a_refusal_is_a_fault(
    completions: Completions, bus: Stubber, status: int, code: str, error: type[FlowForgeError]
) -> None:
    bus.add_client_error("put_events", code, http_status_code=status)
    with pytest.raises(error, match=code):
        completions.tell(RECORD)


def test_a_bus_that_is_not_reached_is_asked_again(completions: Completions, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://events")

    monkeypatch.setattr(completions.client, "put_events", unreachable)
    with pytest.raises(RetryLater, match="https://events"):
        completions.tell(RECORD)


def test_a_stage_that_is_not_named_is_a_fault_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOWFORGE_STAGE", raising=False)
    with pytest.raises(ConfigFault, match="FLOWFORGE_STAGE is not set"):
        Completions.from_environment()
