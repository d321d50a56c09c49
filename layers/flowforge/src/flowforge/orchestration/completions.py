"""Telling EventBridge that an execution has completed, once its end is recorded."""

import os
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.lake import CONNECT_SECONDS
from flowforge.lake.service_errors import FIRST_SERVER_ERROR, TOO_MANY_REQUESTS, status_of
from flowforge.model.completion import DETAIL_TYPE, SOURCE, ExecutionCompleted
from flowforge.model.errors import ConfigFault, FlowForgeError, RetryLater
from flowforge.model.execution import ExecutionRecord

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

STAGE_VARIABLE = "FLOWFORGE_STAGE"
READ_SECONDS = 5
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html and CommonErrors.html
BUSY = frozenset({"ThrottlingException", "InternalFailure", "InternalException", "ServiceUnavailable", "RequestLimitExceeded"})


class Completions:
    """The default event bus, as the executions of a stage use it."""

    def __init__(self, stage: str, client: "EventBridgeClient") -> None:
        self.stage = stage
        self.client = client

    @classmethod
    def from_environment(cls) -> "Completions":
        """The bus of the account, and the stage named in FLOWFORGE_STAGE. Raises ConfigFault where the variable is not set."""
        stage = os.environ.get(STAGE_VARIABLE)
        if not stage:
            raise ConfigFault(f"the environment variable {STAGE_VARIABLE} is not set", option=STAGE_VARIABLE)
        # Tries of boto3 and of the state multiply: a few here, the rest by the state, which has the time for it.
        config = Config(
            retries={"mode": "standard", "max_attempts": 3}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
        )
        return cls(stage, boto3.client("events", config=config))

    def tell(self, record: ExecutionRecord) -> None:
        """Put the event of an execution that has ended.

        Raises RetryLater where EventBridge was busy, and ConfigFault where it refused the event.
        """
        detail = ExecutionCompleted.of(record, self.stage).to_json()
        try:
            answer = self.client.put_events(Entries=[{"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": detail}])
        except ClientError as error:
            code, status = str(error.response.get("Error", {}).get("Code", "")), status_of(error)
            busy = code in BUSY or status >= FIRST_SERVER_ERROR or status == TOO_MANY_REQUESTS
            raise _fault(record, str(error), busy=busy) from error
        except BotoCoreError as error:
            raise _fault(record, str(error), busy=True) from error
        # An event that is not taken is told in an answer of status 200.
        for entry in answer["Entries"]:
            if refused := entry.get("ErrorCode"):
                raise _fault(record, f"{refused}: {entry.get('ErrorMessage', '')}", busy=refused in BUSY)


def _fault(record: ExecutionRecord, answered: str, *, busy: bool) -> FlowForgeError:
    told = f"the end of {record.execution_id} is recorded, but EventBridge did not take its event: {answered}"
    return RetryLater(told) if busy else ConfigFault(told)
