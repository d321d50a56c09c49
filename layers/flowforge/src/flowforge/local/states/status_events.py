"""Events of EventBridge that tell how an execution goes: ``Step Functions Execution Status Change``."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flowforge.local.states.execution import Execution, Status
from flowforge.local.states.payload import encode
from flowforge.local.states.rule_delivery import RuleDelivery
from flowforge.local.states.service_calls import Clients

logger = logging.getLogger(__name__)

# Input and output together are left out above this size; an event has room for 256 KiB in all:
# https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
_DATA_BYTES = 248 * 1024
SOURCE = "aws.states"
DETAIL_TYPE = "Step Functions Execution Status Change"


def status_change(execution: Execution) -> dict[str, Any]:
    """The entry, in the form of PutEvents, that tells an execution's status now. Times are milliseconds since 1970."""
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
        "stateMachineVersionArn": execution.machine.version_arn,
        "stateMachineAliasArn": execution.machine.alias_arn,
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
    """Delivers an event for every status that it is told, in order, from a thread of its own. ``close`` waits for the last."""

    def __init__(self, clients: Clients) -> None:
        self._rules = RuleDelivery(clients)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="status-events")

    def __call__(self, execution: Execution) -> None:
        """Deliver the event of the execution's status as it is now."""
        self._thread.submit(self._deliver, status_change(execution), execution.stopped or execution.started)

    def close(self) -> None:
        """Deliver what waits, and end."""
        self._thread.shutdown(wait=True)

    def _deliver(self, entry: dict[str, Any], time: datetime) -> None:
        try:
            self._rules.deliver(entry, time)
        except (BotoCoreError, ClientError) as error:
            # AWS promises these events as best effort only; the execution's end does not depend on them.
            logger.warning("the status of %s was not told to EventBridge: %s", entry["Resources"][0], error)
        except Exception:
            # Nobody waits for this thread's work, so nobody else would hear of a fault in it.
            logger.exception("the status of %s was not told to EventBridge", entry["Resources"][0])
