"""Messages that can never be done, put aside with the reason.

A queue's redrive policy moves a message that failed too often, and says nothing of why. So a fault that no retry mends goes
to the dead-letter queue at once, with its body as it came and the reason beside it.
"""

import os
import re
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.lake import CONNECT_SECONDS
from flowforge.model.errors import ConfigFault, FlowForgeError, RetryLater

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

QUEUE_VARIABLE = "FLOWFORGE_START_REQUESTS_DLQ_URL"
READ_SECONDS = 5
MAX_REASON_CHARACTERS = 1000
# What SQS takes in a body or an attribute:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
NOT_ALLOWED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
