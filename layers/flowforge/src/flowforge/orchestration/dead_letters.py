"""Messages that can never be done: put aside with the reason, looked at, and sent again or given up.

A queue's redrive policy moves a message that failed too often, and says nothing of why. So a fault that no retry mends goes
to the dead-letter queue at once, with its body as it came and the reason beside it.

SQS cannot show a message without hiding it for a while. Whoever looks receives all of them, a batch after the other, each hidden
until the last was seen, and gives back at once what stays.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.lake import CONNECT_SECONDS
from flowforge.model.errors import ConfigFault, FlowForgeError, RetryLater

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

QUEUE_VARIABLE = "FLOWFORGE_START_REQUESTS_DLQ_URL"
READ_SECONDS = 5
BATCH = 10
MAX_LETTERS = 1000
"""As many as are looked through."""
HIDDEN_SECONDS = 30
MAX_REASON_CHARACTERS = 1000
# What SQS takes in a body or an attribute:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
NOT_ALLOWED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class DeadLetter:
    """A message as it was put aside. ``error`` and ``reason`` are None where the queue moved it, after too many tries."""

    id: str
    body: str
    error: str | None
    reason: str | None
    sent_at: datetime


class DeadLetters:
    """The queue of messages that somebody has to look at."""

    def __init__(self, url: str, client: "SQSClient") -> None:
        self.url = url
        self.client = client

    @classmethod
    def from_environment(cls) -> "DeadLetters":
        """The queue named in FLOWFORGE_START_REQUESTS_DLQ_URL. Raises ConfigFault where the variable is not set."""
        url = os.environ.get(QUEUE_VARIABLE)
        if not url:
            raise ConfigFault(f"the environment variable {QUEUE_VARIABLE} is not set", option=QUEUE_VARIABLE)
        config = Config(
            retries={"mode": "standard", "max_attempts": 3}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
        )
        return cls(url, boto3.client("sqs", config=config))

    def put(self, body: str, error: FlowForgeError) -> None:
        """Keep a message and why it failed. Raises RetryLater where the queue does not take it."""
        reason = NOT_ALLOWED.sub("?", str(error))[:MAX_REASON_CHARACTERS] or "no reason was given"
        try:
            self.client.send_message(
                QueueUrl=self.url,
                MessageBody=body,
                MessageAttributes={
                    "ErrorClass": {"DataType": "String", "StringValue": type(error).__name__},
                    "Reason": {"DataType": "String", "StringValue": reason},
                },
            )
        except (ClientError, BotoCoreError) as failed:
            # The message stays where it is, so nothing is lost.
            raise RetryLater(f"the dead-letter queue did not take a message ({failed}); its own fault: {reason}") from failed

    def letters(self) -> list[DeadLetter]:
        """The messages, the oldest first. Raises RetryLater where the queue does not answer."""
        with self._received() as messages:
            return sorted((_letter(message) for message in messages), key=lambda letter: (letter.sent_at, letter.id))

    def take(self, letter_id: str, send: Callable[[str], None] | None = None) -> DeadLetter | None:
        """Remove a message, after its body was sent where it came from if that is wanted; None where there is none of that id.

        Raises RetryLater; the message is still there then.
        """
        with self._received() as messages:
            for message in messages:
                if message["MessageId"] == letter_id:
                    if send is not None:
                        send(message["Body"])
                    self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                    return _letter(message)
        return None

    @contextmanager
    def _received(self) -> "Iterator[list[MessageTypeDef]]":
        """All messages, hidden from others for as long as the block runs."""
        found: dict[str, MessageTypeDef] = {}
        try:
            try:
                while len(found) < MAX_LETTERS and (batch := self._receive()):
                    found |= {message["MessageId"]: message for message in batch}
                yield list(found.values())
            finally:
                handles = [message["ReceiptHandle"] for message in found.values()]
                for start in range(0, len(handles), BATCH):
                    entries = [
                        {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                        for number, handle in enumerate(handles[start : start + BATCH])
                    ]
                    self.client.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)  # type: ignore[arg-type]
        except (ClientError, BotoCoreError) as error:
            raise RetryLater(f"the dead-letter queue does not answer: {error}") from error

    def _receive(self) -> "list[MessageTypeDef]":
        answer = self.client.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=BATCH,
            VisibilityTimeout=HIDDEN_SECONDS,
            # A poll that waits asks every server of the queue, one that does not asks some.
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        return answer.get("Messages", [])


def _letter(message: "MessageTypeDef") -> DeadLetter:
    told: Mapping[str, MessageAttributeValueOutputTypeDef] = message.get("MessageAttributes") or {}
    sent = int((message.get("Attributes") or {}).get("SentTimestamp", "0"))
    return DeadLetter(
        id=message["MessageId"],
        body=message["Body"],
        error=_text(told, "ErrorClass"),
        reason=_text(told, "Reason"),
        sent_at=datetime.fromtimestamp(sent / 1000, UTC),
    )


def _text(attributes: "Mapping[str, MessageAttributeValueOutputTypeDef]", name: str) -> str | None:
    return attributes[name].get("StringValue") if name in attributes else None
