"""The queue through which executions start: a message says that there is a wish, and is a wish by itself."""

import os
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.lake import CONNECT_SECONDS
from flowforge.model.errors import ConfigFault, RetryLater
from flowforge.model.start import StartRequest, TurnRequest

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

QUEUE_VARIABLE = "FLOWFORGE_START_REQUESTS_URL"
READ_SECONDS = 5


class StartQueue:
    """The sending end of the queue."""

    def __init__(self, url: str, client: "SQSClient") -> None:
        self.url = url
        self.client = client

    @classmethod
    def from_environment(cls) -> "StartQueue":
        """The queue named in FLOWFORGE_START_REQUESTS_URL. Raises ConfigFault where the variable is not set."""
        url = os.environ.get(QUEUE_VARIABLE)
        if not url:
            raise ConfigFault(f"the environment variable {QUEUE_VARIABLE} is not set", option=QUEUE_VARIABLE)
        config = Config(
            retries={"mode": "standard", "max_attempts": 3}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
        )
        return cls(url, boto3.client("sqs", config=config))

    def send(self, request: StartRequest | TurnRequest) -> None:
        """Send a wish, or word that the next one has its turn. Raises RetryLater where the queue does not take it."""
        self.send_text(request.model_dump_json(by_alias=True, exclude_none=True))

    def send_text(self, body: str) -> None:
        """Send a message as it came. Raises RetryLater where the queue does not take it."""
        try:
            self.client.send_message(QueueUrl=self.url, MessageBody=body)
        except (ClientError, BotoCoreError) as error:
            raise RetryLater(f"the queue of start requests did not take a message: {error}") from error
