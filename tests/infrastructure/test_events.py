"""The sample events: each is what its function's model accepts, and all belong to one execution of the sample workflow."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from flowforge.lake import keys
from flowforge.model.execution import ExecutionRecord, RecordRequest
from flowforge.model.plan import PlanRequest
from flowforge.model.start import StartRequest
from flowforge.model.step import Step, StepRequest
from flowforge.model.workflow import Workflow, read_workflow

MODELS: dict[str, type[BaseModel]] = {step.value: StepRequest for step in Step} | {
    "plan_execution": PlanRequest,
    "record_event": RecordRequest,
}
BATCHES = {"start_execution": StartRequest}
SCHEDULED = {"reconcile"}
"""Functions that a schedule calls, with nothing to say."""
"""Functions that are given messages of a queue, each with such a model in its body."""


def read(root: Path, name: str) -> Any:
    return json.loads((root / "events" / f"{name}.json").read_text())


@pytest.fixture
def sample(root: Path) -> Workflow:
    return read_workflow(yaml.safe_load((root / "examples" / "shop" / "workflow.yaml").read_text()), origin="sample")


def test_every_function_has_an_event_and_every_event_a_function(root: Path) -> None:
    events = {path.stem for path in (root / "events").glob("*.json")}
    assert (
        events
        == {handler.parent.name for handler in (root / "functions").glob("*/handler.py")}
        == {
            *MODELS,
            *BATCHES,
            *SCHEDULED,
        }
    )


@pytest.mark.parametrize("name", MODELS)
def test_an_event_is_what_its_function_accepts(root: Path, name: str) -> None:
    event = MODELS[name].model_validate(read(root, name))
    assert MODELS[name].model_validate(event.model_dump(mode="json", by_alias=True)) == event


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_holds_a_message_that_its_function_accepts(root: Path, name: str) -> None:
    (record,) = read(root, name)["Records"]
    assert record["eventSource"] == "aws:sqs"
    assert record["md5OfBody"] == hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()
    wish = BATCHES[name].model_validate_json(record["body"])
    assert BATCHES[name].model_validate_json(wish.to_json()) == wish


@pytest.mark.parametrize("step", Step)
def test_a_step_s_event_asks_for_that_step_of_a_job_of_the_sample(root: Path, step: Step, sample: Workflow) -> None:
    request = StepRequest.model_validate(read(root, step.value))
    assert request.step is step
    assert sample.job(request.job_id)


def test_the_events_belong_to_one_execution_of_the_sample(root: Path, sample: Workflow) -> None:
    planned = PlanRequest.model_validate(read(root, "plan_execution"))
    recorded = RecordRequest.model_validate(read(root, "record_event")).event
    (message,) = read(root, "start_execution")["Records"]
    assert StartRequest.model_validate_json(message["body"]).workflow_id == planned.input.workflow_id == sample.id
    assert recorded.execution_id == planned.execution_id
    assert isinstance(recorded, ExecutionRecord)
    assert recorded.workflow_id == planned.input.workflow_id
    assert recorded.trigger == planned.input.model_dump(mode="json")["trigger"]
    assert recorded.started_at == planned.started_at
    assert [outcome.job_id for outcome in recorded.jobs] == [job.id for job in sample.jobs]
    for step in Step:
        request = StepRequest.model_validate(read(root, step.value))
        assert request.execution_id == planned.execution_id
        assert request.plan_key == keys.plan_key(planned.execution_id)
