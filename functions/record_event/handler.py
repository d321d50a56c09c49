"""Records how a job or an execution ended: the last states of the state machine."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from flowforge.lake.lake import Lake
from flowforge.model.execution import RecordRequest, escalations_of
from flowforge.orchestration.recording import record_event

logger = Logger(service="record_event")
metrics = Metrics(namespace="FlowForge")
metrics.set_default_dimensions(stage=os.environ.get("FLOWFORGE_STAGE", "dev"))
lake = Lake.from_environment()


@metrics.log_metrics
@logger.inject_lambda_context(correlation_id_path="event.executionId", clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Store the record under ``runs/`` and answer with its key and, for a failure, the error in one line."""
    recorded = RecordRequest.model_validate(event).event
    response = record_event(recorded, lake)
    metrics.add_metric("Escalations", MetricUnit.Count, len(escalations_of(recorded)))
    logger.info("recorded", key=response.key)
    return response.model_dump(mode="json", by_alias=True)
