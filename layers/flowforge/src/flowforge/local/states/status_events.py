"""Events of EventBridge that tell how an execution goes: ``Step Functions Execution Status Change``."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flowforge.local.states.execution import Execution, Status
from flowforge.local.states.payload import encode
from flowforge.local.states.service_calls import Clients

logger = logging.getLogger(__name__)

# Input and output together are left out above this size; an event has room for 256 KiB in all:
# https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
_DATA_BYTES = 248 * 1024
SOURCE = "aws.states"
DETAIL_TYPE = "Step Functions Execution Status Change"


def status_change(execution: Execution) -> dict[str, Any]:
    """The entry for PutEvents that tells an execution's status as it is now. Times are milliseconds since 1970."""
    return {
        "Source": SOURCE,
        "DetailType": DETAIL_TYPE,
        "Resources": [execution.arn],
        "Detail": encode(status_detail(execution)),
    }


def status_detail(execution: Execution) -> dict[str, Any]:
    """The detail of the event."""
    size = len(execution.input_text.encode()) + len((execution.output_text or "").encode())
    shown = size <= _DATA_BYTES
    output = execution.output_text
    stopped = execution.stopped
    ended = execution.status is not Status.RUNNING
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine.arn,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": execution.name,
        "status": execution.status.value,
        "startDate": round(execution.started.timestamp() * 1000),
        "stopDate": None if stopped is None else round(stopped.timestamp() * 1000),
        "input": execution.input_text if shown else None,
        "inputDetails": {"included": shown},
        "output": output if shown else None,
        "outputDetails": None if output is None else {"included": shown},
        "error": execution.error,
        "cause": execution.cause,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": None if ended else "Execution is RUNNING and cannot be redriven",
    }


class StatusEvents:
    """Puts an event for every status that it is told, in order, from a thread of its own. ``close`` waits for the last."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._client: Any = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="status-events")

    def __call__(self, execution: Execution) -> None:
        """Put the event of the execution's status as it is now."""
        self._thread.submit(self._put, status_change(execution))

    def close(self) -> None:
        """Put what waits, and end."""
        self._thread.shutdown(wait=True)

    def _put(self, entry: dict[str, Any]) -> None:
        try:
            if self._client is None:
                self._client = self._clients("events")
            answer = self._client.put_events(Entries=[entry])
        except (BotoCoreError, ClientError) as error:
            # AWS promises these events as best effort only; the execution's end does not depend on them.
            logger.warning("the status of %s was not told to EventBridge: %s", entry["Resources"][0], error)
            return
        if answer.get("FailedEntryCount"):
            logger.warning("EventBridge refused the status of %s: %s", entry["Resources"][0], answer["Entries"])
