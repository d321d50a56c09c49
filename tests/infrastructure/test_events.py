"""The sample events: each is what its function's model accepts, and all belong to one execution of the sample workflow."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from flowforge.lake import keys
from flowforge.model.execution import ExecutionRecord, RecordRequest
from flowforge.model.plan import PlanRequest
from flowforge.model.start import StartRequest
from flowforge.model.step import Step, StepRequest
from flowforge.model.workflow import Workflow, read_workflow
from flowforge.web.upload_views import UploadRequest

MODELS: dict[str, type[BaseModel]] = {step.value: StepRequest for step in Step} | {
    "plan_execution": PlanRequest,
    "record_event": RecordRequest,
}
BATCHES = {"start_execution": StartRequest}
SCHEDULED = {"reconcile"}
"""Functions that a schedule calls, with nothing to say."""
"""Functions that are given messages of a queue, each with such a model in its body."""

WEB = ("health", "anonymous", "list", "upload", "upload_base64", "head", "missing")
"""Requests to the API."""
COMMANDS = {"upgrade_database"}


class FromLoadBalancer(BaseModel):
    """A request, from a target group whose headers may have several values.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#multi-value-headers
    """

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)

    request_context: dict[str, dict[str, str]]
    http_method: str
    path: str
    multi_value_query_string_parameters: dict[str, list[str]]
    multi_value_headers: dict[str, list[str]]
    body: str
    is_base64_encoded: Annotated[bool, Field(alias="isBase64Encoded")]


def read(root: Path, name: str) -> Any:
    return json.loads((root / "events" / f"{name}.json").read_text())


@pytest.fixture
def sample(root: Path) -> Workflow:
    return read_workflow(yaml.safe_load((root / "examples" / "shop" / "workflow.yaml").read_text()), origin="sample")


def test_every_function_has_an_event_and_every_event_a_function(root: Path) -> None:
    events = {path.stem for path in (root / "events").glob("*.json")}
    web = {f"web_{name}" for name in WEB}
    assert events == {*MODELS, *BATCHES, *SCHEDULED, *COMMANDS, *web}
    assert events - web | {"web"} == {handler.parent.name for handler in (root / "functions").glob("*/handler.py")}


@pytest.mark.parametrize("name", WEB)
def test_a_request_is_what_a_load_balancer_sends(root: Path, name: str) -> None:
    event = FromLoadBalancer.model_validate(read(root, f"web_{name}"))
    (group,) = event.request_context["elb"].values()
    assert ":targetgroup/flowforge-dev-web/" in group
    assert len(event.multi_value_headers["accept"]) > 1


@pytest.mark.parametrize("name", ["upload", "upload_base64"])
def test_an_upload_is_one_of_a_job_of_the_sample_as_text_and_in_base64(root: Path, name: str, sample: Workflow) -> None:
    event = FromLoadBalancer.model_validate(read(root, f"web_{name}"))
    body = base64.b64decode(event.body) if event.is_base64_encoded else event.body
    upload = UploadRequest.model_validate_json(body)
    assert upload.workflow_id == sample.id
    assert sample.job(upload.job_id)


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
