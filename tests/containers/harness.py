"""What the container tests share: where things lie, and what a run of the sample workflow left."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from flowforge.lake.lake import Lake
from flowforge.model.step import Step, StepResult
from flowforge.model.workflow import Workflow, read_workflow

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam" / "build"
SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
WORKER = "flowforge-worker:latest"
FUNCTIONS = {
    Step.BRONZE_INGEST: "BronzeIngest",
    Step.SILVER_TRANSFORM: "SilverTransform",
    Step.GOLD_PUBLISH: "GoldPublish",
}

Invoke = Callable[[str, str], Any]
"""From a function's name and a sample event's to the function's answer."""


@dataclass(frozen=True)
class Machine:
    """A state machine of the emulator, as the function that starts executions finds it."""

    arn: str
    start_requests_url: str
    dead_letters_url: str
    states: Any


@dataclass(frozen=True)
class Runs:
    """The results of the steps of one job, in the containers and on the host, each with the bucket that they wrote to."""

    container: Mapping[Step, StepResult]
    container_lake: Lake
    host: Mapping[Step, StepResult]
    host_lake: Lake


def event(name: str) -> Any:
    """A sample event."""
    return json.loads((ROOT / "events" / f"{name}.json").read_text())


def stored(lake: Lake, key: str) -> bytes:
    """The bytes of an object that has to be there."""
    found = lake.read(key)
    assert found is not None, key
    return found[0]


def comparable(result: StepResult) -> dict[str, Any]:
    """A result without what differs between two tries of the same step."""
    document = result.model_dump(mode="json", exclude={"duration_seconds", "finished_at"})
    for output in document["outputs"]:
        del output["etag"]
    return document


def assert_same_tables(result: StepResult, there: Lake, on_host: Lake) -> None:
    """What a step on the host published has the same rows, order, schema and metadata in another bucket."""
    assert result.outputs
    for output in result.outputs:
        one, other = stored(there, output.key), stored(on_host, output.key)
        rows = pl.read_parquet(one)
        assert rows.equals(pl.read_parquet(other)), output.key
        assert rows.schema == pl.read_parquet_schema(other), output.key
        assert rows.height == output.rows > 0, output.key
        assert pl.read_parquet_metadata(one) == pl.read_parquet_metadata(other), output.key


def sample(_: str = "") -> Workflow:
    """The sample workflow, whichever is asked for: the definitions of a stage that has no other."""
    definition = yaml.safe_load((ROOT / "examples" / "shop" / "workflow.yaml").read_text())
    return read_workflow(definition, origin="examples/shop/workflow.yaml")
