"""Records how a job or an execution ended, and tells of a completed execution: the last states of the state machine."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from flowforge.lake.lake import Lake
from flowforge.model.execution import ExecutionRecord, RecordRequest, escalations_of
from flowforge.orchestration.completions import Completions
from flowforge.orchestration.recording import record_event

logger = Logger(service="record_event")
lake = Lake.from_environment()
completions = Completions.from_environment()
metrics = Metrics(namespace="FlowForge")
metrics.set_default_dimensions(stage=completions.stage)


@metrics.log_metrics
@logger.inject_lambda_context(correlation_id_path="event.executionId", clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Store the record under ``runs/`` and answer with its key and, for a failure, the error in one line.

    The event of a completed execution comes after its record, so whoever hears of it finds the record.
    """
    recorded = RecordRequest.model_validate(event).event
    response = record_event(recorded, lake)
    if isinstance(recorded, ExecutionRecord):
        completions.tell(recorded)
    metrics.add_metric("Escalations", MetricUnit.Count, len(escalations_of(recorded)))
    logger.info("recorded", key=response.key)
    return response.model_dump(mode="json", by_alias=True)
