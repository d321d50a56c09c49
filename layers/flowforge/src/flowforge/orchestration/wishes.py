"""From a message of the start queue to a wish, or to none.

A message is a wish as somebody wrote it, or the event of a file that arrived as EventBridge delivers it. An event is read
here and not reshaped by the rule, because whether a file is a wish depends on the workflow's definition.
"""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from flowforge.lake.keys import landed_file
from flowforge.model.arrival import ArrivalEvent
from flowforge.model.errors import ConfigFault
from flowforge.model.start import StartRequest, Trigger, TriggerType, TurnRequest
from flowforge.model.workflow import describe_problem
from flowforge.orchestration.definitions import Definitions

Model = TypeVar("Model", bound=BaseModel)


def read_wish(body: str, data_bucket: str, definitions: Definitions) -> StartRequest | TurnRequest | None:
    """The wish of a message, or word that one has its turn.

    None for a file that is nobody's, or of a workflow that does not start on arrival. Raises ConfigFault for a message that
    cannot be understood, and for a file of a workflow or a job that is not there.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ConfigFault(f"the message is no JSON: {error}") from error
    if isinstance(document, dict) and "detail-type" in document:
        return _arrival(_validated(ArrivalEvent, document, "the event"), data_bucket, definitions)
    if isinstance(document, dict) and "turnOf" in document:
        return _validated(TurnRequest, document, "the message")
    return _validated(StartRequest, document, "the wish")


def _arrival(event: ArrivalEvent, data_bucket: str, definitions: Definitions) -> StartRequest | None:
    bucket, arrived = event.detail.bucket.name, event.detail.object
    if bucket != data_bucket:
        raise ConfigFault(f"the event is of the bucket {bucket}, and the data bucket is {data_bucket}")
    place = landed_file(arrived.key)
    if place is None:
        return None
    workflow_id, job_id, name = place
    workflow = definitions(workflow_id)
    if not workflow.triggers:
        return None
    job = workflow.job(job_id)
    if not workflow.starts_on_arrival(job_id) or not job.source_config.file_config.wants(name):
        return None
    return StartRequest(
        workflow_id=workflow_id,
        files={job_id: (arrived.key,)},
        idempotency_key=f"arrival:{bucket}/{arrived.key}:{arrived.version}",
        trigger=Trigger(type=TriggerType.ARRIVAL, detail=arrived.key),
    )


def _validated(model: type[Model], document: Any, what: str) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        lines = [describe_problem(problem["loc"], problem["msg"]) for problem in error.errors()]
        raise ConfigFault(f"{what}: {'; '.join(lines)}", option=lines[0].partition(":")[0]) from error
