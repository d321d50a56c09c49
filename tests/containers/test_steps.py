"""A step in its container does what it does on the host."""

from typing import Any

import pytest

from balancer_events import EVENTS
from containers.harness import FUNCTIONS, Invoke, Machine, Runs, assert_same_tables, comparable, event, stored
from containers.test_web import ANSWERS
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.metadata.upgrade import revisions
from flowforge.model.execution import ExecutionRecord
from flowforge.model.step import Step

pytestmark = pytest.mark.containers

EXECUTION_ID = event("plan_execution")["executionId"]


def test_the_plan_made_in_the_container_is_the_plan_made_on_the_host(planned: Any, runs: Runs) -> None:
    key = keys.plan_key(EXECUTION_ID)
    assert planned["planKey"] == key
    assert stored(runs.container_lake, key) == stored(runs.host_lake, key)


@pytest.mark.parametrize("step", Step)
def test_a_step_answers_in_its_container_as_on_the_host(runs: Runs, step: Step) -> None:
    assert comparable(runs.container[step]) == comparable(runs.host[step])


@pytest.mark.parametrize("step", Step)
def test_a_step_writes_the_same_rows_order_schema_and_metadata_as_on_the_host(runs: Runs, step: Step) -> None:
    assert_same_tables(runs.host[step], runs.container_lake, runs.host_lake)


def test_both_buckets_hold_the_same_keys_after_the_run(runs: Runs) -> None:
    in_container = {item.key for item in runs.container_lake.list_objects("")}
    on_host = {item.key for item in runs.host_lake.list_objects("")}
    assert in_container - {keys.record_key(EXECUTION_ID)} == on_host
    assert not [key for key in in_container if key.startswith(keys.ATTEMPTS)]


def test_the_end_of_an_execution_is_recorded_by_the_layer(invoke: Invoke, container_lake: Lake) -> None:
    answer = invoke("RecordEvent", "record_event")
    assert ExecutionRecord.model_validate_json(stored(container_lake, answer["key"])).status == "succeeded"


def test_the_database_is_taken_to_the_newest_revision_in_its_container(upgraded: Any) -> None:
    assert upgraded == {"before": None, "after": revisions()[-1]}


def test_what_is_recorded_is_compared_by_the_layer(invoke: Invoke, stored_sample: str) -> None:
    assert stored_sample
    assert invoke("Reconcile", "reconcile")


def test_a_wish_is_started_once_however_often_the_layer_takes_it_from_the_queue(
    invoke: Invoke, machine: Machine, stored_sample: str
) -> None:
    assert stored_sample
    for _ in range(2):
        assert invoke("StartExecution", "start_execution") == {"batchItemFailures": []}
    [execution] = machine.states.list_executions(stateMachineArn=machine.arn)["executions"]
    assert execution["name"].startswith("exec_")


def test_every_sample_event_is_invoked_in_a_container() -> None:
    # By the fixtures of this module, and the tests above.
    control = {"plan_execution", "record_event", "start_execution", "reconcile", "upgrade_database"}
    invoked = {step.value for step in FUNCTIONS} | control | {f"web_{name}" for name in ANSWERS}
    assert invoked == {path.stem for path in EVENTS.glob("*.json")}
