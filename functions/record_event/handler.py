"""Records what became of runs: told by the state machine's last states, by results of steps, and by Step Functions itself."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from flowforge.model.execution import RecordRequest, escalations_of
from flowforge.orchestration.completions import Completions
from flowforge.orchestration.run_events import RunEvents

logger = Logger(service="record_event")
completions = Completions.from_environment()
events = RunEvents.from_environment(completions)
processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
metrics = Metrics(namespace="FlowForge")
metrics.set_default_dimensions(stage=completions.stage)


def deliver(record: SQSRecord) -> None:
    """Record one message. What it raises brings the message back."""
    events.deliver(record.body)


@metrics.log_metrics
@logger.inject_lambda_context(correlation_id_path="event.executionId", clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer the state machine with the record's key and the error in one line, and the queue with what has to come again."""
    if "Records" in event:
        metrics.add_metric("RunEvents", MetricUnit.Count, len(event["Records"]))
        return dict(process_partial_response(event=event, record_handler=deliver, processor=processor, context=context))
    request = RecordRequest.model_validate(event)
    response = events.record(request)
    metrics.add_metric("Escalations", MetricUnit.Count, len(escalations_of(request.event)))
    logger.info("recorded", key=response.key)
    return response.model_dump(mode="json", by_alias=True)
