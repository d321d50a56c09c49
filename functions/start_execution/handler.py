"""Starts executions: the only reader of the queue through which everything starts."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from flowforge.orchestration.start_messages import StartMessages

logger = Logger(service="start_execution")
messages = StartMessages.from_environment()
# A batch of which nothing could be done is no failure of the function: its messages come again like any other.
processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)


def start(record: SQSRecord) -> None:
    """Do what one message wishes. What it raises brings the message back."""
    try:
        handled = messages.handle(record.body)
    except Exception:
        logger.exception("a message comes again", message_id=record.message_id)
        raise
    tell, wish = logger.warning if handled.fault else logger.info, handled.wish
    status = None if wish is None else f"{wish.status.value}: {wish.reason or wish.execution_id}"
    tell("handled", message_id=record.message_id, fault=handled.fault, wish=status)


@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle each message by itself, and name those that have to come again."""
    answer = process_partial_response(event=event, record_handler=start, processor=processor, context=context)
    return dict(answer)
