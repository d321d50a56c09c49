"""Records how a job or an execution ended: the last states of the state machine."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from flowforge.lake.lake import Lake
from flowforge.model.execution import RecordRequest
from flowforge.orchestration.recording import record_event

logger = Logger(service="record_event")
lake = Lake.from_environment()


@logger.inject_lambda_context(correlation_id_path="event.executionId", clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Store the record under ``runs/`` and answer with its key and, for a failure, the error in one line."""
    response = record_event(RecordRequest.model_validate(event).event, lake)
    logger.info("recorded", key=response.key)
    return response.model_dump(mode="json", by_alias=True)
