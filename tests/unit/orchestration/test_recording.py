import json

import pytest

from flowforge.lake.lake import Lake
from flowforge.model.execution import ExecutionRecord, JobFailure, JobOutcome, RecordRequest
from flowforge.model.step import Step
from flowforge.orchestration.recording import MAX_CAUSE_CHARACTERS, message_of, record_event


def failure(job_id: str, *, cause: str | None = None) -> JobFailure:
    told = json.dumps({"errorType": "DataFault", "errorMessage": f"{job_id}.csv: row 7 is blank", "stackTrace": []})
    return JobFailure(
        execution_id="exec_1", job_id=job_id, step=Step.BRONZE_INGEST, error="DataFault", cause=told if cause is None else cause
    )


def outcome(job_id: str, key: str | None) -> JobOutcome:
    return JobOutcome(job_id=job_id, status="failed", error_key=key)


def ended(*outcomes: JobOutcome) -> ExecutionRecord:
    failed = any(item.status == "failed" for item in outcomes)
    return ExecutionRecord(execution_id="exec_1", status="failed" if failed else "succeeded", jobs=outcomes)


def test_a_failure_of_a_job_is_stored_under_the_job(lake: Lake) -> None:
    response = record_event(failure("orders"), lake)
    assert response.key == "runs/exec_1/orders/error.json"
    assert (response.error, response.cause) == (None, None)
    stored = lake.read(response.key)
    assert stored is not None
    assert JobFailure.model_validate_json(stored[0]) == failure("orders")


def test_a_success_is_recorded_without_an_error(lake: Lake) -> None:
    response = record_event(ended(JobOutcome(job_id="orders", status="succeeded")), lake)
    assert (response.key, response.error, response.cause) == ("runs/exec_1/record.json", None, None)
    stored = lake.read(response.key)
    assert stored is not None
    assert json.loads(stored[0])["status"] == "succeeded"


def test_a_failed_execution_ends_with_every_failed_job_and_its_message(lake: Lake) -> None:
    keys = [record_event(failure(job_id), lake).key for job_id in ("orders", "customers")]
    done = JobOutcome(job_id="payments", status="succeeded")
    response = record_event(ended(outcome("orders", keys[0]), done, outcome("customers", keys[1])), lake)
    assert response.error == "WorkflowFailed"
    assert response.cause == (
        "2 of 3 jobs failed: orders at bronze_ingest: DataFault: orders.csv: row 7 is blank; "
        "customers at bronze_ingest: DataFault: customers.csv: row 7 is blank"
    )
    stored = lake.read("runs/exec_1/record.json")
    assert stored is not None
    record = ExecutionRecord.model_validate_json(stored[0])
    assert (record.error, record.cause) == (response.error, response.cause)


@pytest.mark.parametrize("key", [None, "runs/exec_1/orders/error.json"])
def test_a_job_whose_error_could_not_be_recorded_is_still_named(lake: Lake, key: str | None) -> None:
    response = record_event(ended(outcome("orders", key)), lake)
    assert response.cause == "1 of 1 jobs failed: orders (its error could not be recorded)"


def test_many_failures_are_told_in_few_words(lake: Lake) -> None:
    keys = [record_event(failure(f"job_{number}", cause="x" * 1000), lake).key for number in range(9)]
    response = record_event(ended(*(outcome(f"job_{number}", key) for number, key in enumerate(keys))), lake)
    assert response.cause is not None
    assert response.cause.startswith("9 of 9 jobs failed: job_0")
    assert len(response.cause) == MAX_CAUSE_CHARACTERS


def test_more_than_five_failures_are_counted(lake: Lake) -> None:
    keys = [record_event(failure(f"job_{number}"), lake).key for number in range(7)]
    response = record_event(ended(*(outcome(f"job_{number}", key) for number, key in enumerate(keys))), lake)
    assert response.cause is not None
    assert response.cause.endswith("; and 2 more")


def test_an_error_that_the_machine_states_is_kept(lake: Lake) -> None:
    event = ExecutionRecord(execution_id="exec_1", status="failed", error="ConfigFault", cause="there is no workflow")
    response = record_event(event, lake)
    assert (response.error, response.cause) == ("ConfigFault", "there is no workflow")


def test_an_event_that_comes_twice_leaves_the_same_record(lake: Lake) -> None:
    event = ended(JobOutcome(job_id="orders", status="succeeded"))
    first = record_event(event, lake)
    stored = lake.read(first.key)
    assert record_event(event, lake) == first
    assert lake.read(first.key) == stored


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        ('{"errorMessage": "row 7 is blank"}', "row 7 is blank"),
        ("The task timed out", "The task timed out"),
        ('{"other": 1}', '{"other": 1}'),
        ('["x"]', '["x"]'),
        ("", ""),
    ],
)
def test_the_message_is_what_the_function_said_or_the_services_own_words(cause: str, message: str) -> None:
    assert message_of(failure("orders", cause=cause)) == message


def test_the_kind_of_an_event_tells_what_it_is() -> None:
    for event in (failure("orders"), ended()):
        assert RecordRequest.model_validate({"event": json.loads(event.to_json())}).event == event
