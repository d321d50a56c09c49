"""Sending the ends of asynchronous calls to queues, topics and buses."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from flowforge.local.template import Destination


class Destinations:
    """Reaches destinations through clients of the stack. Raises what boto3 raises."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client

    def send_record(self, destination: Destination, record: Mapping[str, Any]) -> None:
        """Send the record of a call."""
        text = json.dumps(record)
        if destination.kind == "SQS":
            self._send_message(destination.arn, text, {})
        elif destination.kind == "SNS":
            self._client("sns").publish(TopicArn=destination.arn, Message=text)
        else:
            succeeded = record["requestContext"]["condition"] == "Success"
            entry = {
                "Source": "lambda",
                "DetailType": f"Lambda Function Invocation Result - {'Success' if succeeded else 'Failure'}",
                "Resources": [destination.arn, record["requestContext"]["functionArn"]],
                "Detail": text,
                "EventBusName": destination.arn,
            }
            self._client("events").put_events(Entries=[entry])

    def send_dead_letter(self, destination: Destination, payload: str, attributes: Mapping[str, str]) -> None:
        """Send the payload of a failed call, with what is known of the failure."""
        given = {
            name: {"DataType": "Number" if name == "ErrorCode" else "String", "StringValue": value or "-"}
            for name, value in attributes.items()
        }
        if destination.kind == "SQS":
            self._send_message(destination.arn, payload, given)
        else:
            self._client("sns").publish(TopicArn=destination.arn, Message=payload, MessageAttributes=given)

    def _send_message(self, arn: str, body: str, attributes: Mapping[str, Any]) -> None:
        sqs = self._client("sqs")
        url = sqs.get_queue_url(QueueName=arn.rsplit(":", 1)[1])["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
