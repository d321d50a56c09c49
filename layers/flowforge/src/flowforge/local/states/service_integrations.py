"""The integrations that call AWS services: SQS, SNS, EventBridge and S3."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowforge.local.states.clock import iso_time
from flowforge.local.states.errors import DATA_LIMIT_EXCEEDED, StateError
from flowforge.local.states.fields import ArgumentNames
from flowforge.local.states.integrations import Call, Integration
from flowforge.local.states.payload import DATA_LIMIT_BYTES, encode
from flowforge.local.states.service_calls import Clients, ServiceClient, as_text, with_metadata, without_metadata


def service_integrations(clients: Clients) -> list[Integration]:
    """All of them; ``clients`` makes the boto3 client of a service by its name."""
    return [SendMessage(clients), Publish(clients), PutEvents(clients), GetObject(clients)]


class SendMessage:
    """``arn:aws:states:::sqs:sendMessage``: sends a message; a body that is no string goes as JSON."""

    arn = "arn:aws:states:::sqs:sendMessage"
    resource_type = "sqs"
    resource = "sendMessage"
    names = ArgumentNames(
        ("QueueUrl", "MessageBody", "DelaySeconds", "MessageAttributes", "MessageDeduplicationId", "MessageGroupId"),
        ("QueueUrl", "MessageBody"),
    )

    def __init__(self, clients: Clients) -> None:
        self._sqs = ServiceClient(clients, "sqs", prefix="SQS", unnamed="AmazonSQSException", service="AmazonSQS")

    async def call(self, call: Call) -> Any:
        """Send the message."""
        return with_metadata(await self._sqs.call("send_message", _with_text(call.arguments, "MessageBody")))


class Publish:
    """``arn:aws:states:::sns:publish``: publishes a message; one that is no string goes as JSON."""

    arn = "arn:aws:states:::sns:publish"
    resource_type = "sns"
    resource = "publish"
    names = ArgumentNames(
        (
            "TopicArn",
            "TargetArn",
            "PhoneNumber",
            "Message",
            "Subject",
            "MessageAttributes",
            "MessageStructure",
            "MessageDeduplicationId",
            "MessageGroupId",
        ),
        ("Message",),
    )

    def __init__(self, clients: Clients) -> None:
        self._sns = ServiceClient(clients, "sns", prefix="SNS", unnamed="AmazonSNSException", service="AmazonSNS")

    async def call(self, call: Call) -> Any:
        """Publish the message."""
        return with_metadata(await self._sns.call("publish", _with_text(call.arguments, "Message")))


class PutEvents:
    """``arn:aws:states:::events:putEvents``: puts events; the task fails where one of them does.

    Each event names the state machine and the execution among its resources.
    """

    arn = "arn:aws:states:::events:putEvents"
    resource_type = "events"
    resource = "putEvents"
    names = ArgumentNames(("Entries",), ("Entries",))

    def __init__(self, clients: Clients) -> None:
        self._events = ServiceClient(
            clients, "events", prefix="EventBridge", unnamed="AmazonEventBridgeException", service="AmazonEventBridge"
        )

    async def call(self, call: Call) -> Any:
        """Put the events. Raises EventBridge.FailedEntry with the whole answer as its cause."""
        sender = [call.machine_arn, call.execution_arn]
        arguments = call.arguments
        if isinstance(arguments, Mapping) and isinstance(arguments.get("Entries"), list):
            arguments = {**arguments, "Entries": [_with_sender(entry, sender) for entry in arguments["Entries"]]}
        answer = without_metadata(await self._events.call("put_events", arguments))
        if answer.get("FailedEntryCount"):
            raise StateError("EventBridge.FailedEntry", encode(answer))
        return answer


class GetObject:
    """``arn:aws:states:::aws-sdk:s3:getObject``: reads an object, its body as text."""

    arn = "arn:aws:states:::aws-sdk:s3:getObject"
    resource_type = "aws-sdk:s3"
    resource = "getObject"
    names = ArgumentNames(
        (
            "Bucket",
            "Key",
            "VersionId",
            "Range",
            "PartNumber",
            "IfMatch",
            "IfNoneMatch",
            "IfModifiedSince",
            "IfUnmodifiedSince",
            "ChecksumMode",
        ),
        ("Bucket", "Key"),
    )

    def __init__(self, clients: Clients) -> None:
        self._s3 = ServiceClient(clients, "s3", prefix="S3", unnamed="S3Exception", service="S3", sdk=True)

    async def call(self, call: Call) -> Any:
        """Read the object. Raises States.DataLimitExceeded, without reading all of it, where it is too large."""
        return await self._s3.call("get_object", call.arguments, read=_object)


def _object(answer: Mapping[str, Any]) -> dict[str, Any]:
    body = answer["Body"].read(DATA_LIMIT_BYTES + 1)
    answer["Body"].close()
    if len(body) > DATA_LIMIT_BYTES:
        raise StateError(
            DATA_LIMIT_EXCEEDED,
            "The state/task 'aws-sdk:s3' returned a result with a size exceeding the maximum number of bytes service limit.",
        )
    members = {name: _plain(value) for name, value in without_metadata(answer).items() if name != "Body"}
    return {**members, "Body": body.decode(errors="replace")}


def _plain(value: Any) -> Any:
    return iso_time(value) if isinstance(value, datetime) else value


def _with_text(arguments: Any, name: str) -> Any:
    if not isinstance(arguments, Mapping) or name not in arguments:
        return arguments
    return {**arguments, name: as_text(arguments[name])}


def _with_sender(entry: Any, sender: list[str]) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    changed = _with_text(entry, "Detail")
    return {**changed, "Resources": [*entry.get("Resources", []), *sender]}
