"""A step in its container does what it does on the host."""

import io
from typing import Any

import pyarrow.parquet as pq
import pytest

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.execution import ExecutionRecord
from flowforge.model.step import Step, StepResult
from tests.containers.conftest import Invoke, Runs, event

pytestmark = pytest.mark.containers

EXECUTION_ID = event("plan_execution")["executionId"]


def parquet(lake: Lake, key: str) -> pq.ParquetFile:
    stored = lake.read(key)
    assert stored is not None, key
    return pq.ParquetFile(io.BytesIO(stored[0]))


def comparable(result: StepResult) -> dict[str, Any]:
    """A result without what differs between two tries of the same step."""
    document = result.model_dump(mode="json", exclude={"duration_seconds"})
    for output in document["outputs"]:
        del output["etag"]
    return document


def test_the_plan_made_in_the_container_is_the_plan_made_on_the_host(planned: Any, runs: Runs) -> None:
    key = keys.plan_key(EXECUTION_ID)
    assert planned["planKey"] == key
    in_container, on_host = runs.container_lake.read(key), runs.host_lake.read(key)
    assert in_container is not None
    assert on_host is not None
    assert in_container[0] == on_host[0]


@pytest.mark.parametrize("step", Step)
def test_a_step_answers_in_its_container_as_on_the_host(runs: Runs, step: Step) -> None:
    assert comparable(runs.container[step]) == comparable(runs.host[step])


@pytest.mark.parametrize("step", Step)
def test_a_step_writes_the_same_rows_order_schema_and_metadata_as_on_the_host(runs: Runs, step: Step) -> None:
    outputs = runs.host[step].outputs
    assert outputs
    for output in outputs:
        in_container, on_host = parquet(runs.container_lake, output.key), parquet(runs.host_lake, output.key)
        assert in_container.schema_arrow.equals(on_host.schema_arrow, check_metadata=True), output.key
        assert in_container.metadata.metadata == on_host.metadata.metadata, output.key
        assert in_container.metadata.created_by == on_host.metadata.created_by, output.key
        assert in_container.read().equals(on_host.read()), output.key
        assert in_container.metadata.num_rows == output.rows > 0, output.key


def test_both_buckets_hold_the_same_keys_after_the_run(runs: Runs) -> None:
    in_container = {item.key for item in runs.container_lake.list("")}
    on_host = {item.key for item in runs.host_lake.list("")}
    assert in_container - {keys.record_key(EXECUTION_ID)} == on_host
    assert not [key for key in in_container if key.startswith(keys.ATTEMPTS)]


def test_the_end_of_an_execution_is_recorded_by_the_layer(invoke: Invoke, container_lake: Lake) -> None:
    answer = invoke("RecordEvent", "record_event")
    stored = container_lake.read(answer["key"])
    assert stored is not None
    assert ExecutionRecord.model_validate_json(stored[0]).status == "succeeded"
