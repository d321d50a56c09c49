"""Events of AWS's own sources, delivered by the rules that are there.

PutEvents takes no event whose source begins with ``aws.``, on AWS as in the emulator; only AWS itself puts those. So the
laptop looks at the rules of the default bus, lets EventBridge test their patterns, and sends the event to their targets.
"""

import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from flowforge.local.cloudformation import ACCOUNT, REGION
from flowforge.local.states.payload import encode
from flowforge.local.states.service_calls import Clients

logger = logging.getLogger(__name__)

# Targets that shape their input otherwise than by a constant are not served.
_SHAPED = ("InputPath", "InputTransformer")


class RuleDelivery:
    """Delivers entries as they would be given to PutEvents. Not for use by two threads at once."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._made: dict[str, Any] = {}

    def deliver(self, entry: Mapping[str, Any], time: datetime) -> int:
        """Send an event to every target of the rules that match it, and give their number. Raises what boto3 raises."""
        event = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": ACCOUNT,
            "time": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": REGION,
            "resources": list(entry["Resources"]),
            "detail": json.loads(entry["Detail"]),
        }
        text = encode(event)
        events = self._client("events")
        delivered = 0
        for rule in self._rules():
            if not events.test_event_pattern(EventPattern=rule["EventPattern"], Event=text)["Result"]:
                continue
            for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                delivered += self._send(target, rule["Name"], text)
        return delivered

    def _rules(self) -> Iterator[Mapping[str, Any]]:
        page = self._client("events").list_rules()
        while True:
            yield from (rule for rule in page["Rules"] if rule.get("EventPattern") and rule.get("State") == "ENABLED")
            if not page.get("NextToken"):
                return
            page = self._client("events").list_rules(NextToken=page["NextToken"])

    def _send(self, target: Mapping[str, Any], rule: str, text: str) -> int:
        arn = target["Arn"]
        service, name = arn.split(":")[2], arn.rpartition(":")[2]
        if any(target.get(field) for field in _SHAPED) or service not in ("sqs", "sns", "lambda", "states"):
            logger.warning("the rule %s has a target that the laptop does not serve: %s", rule, arn)
            return 0
        told = target.get("Input") or text
        if service == "sqs":
            queue = self._client("sqs")
            group = target.get("SqsParameters", {})
            queue.send_message(QueueUrl=queue.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=told, **group)
        elif service == "sns":
            self._client("sns").publish(TopicArn=arn, Message=told)
        elif service == "lambda":
            self._client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=told.encode())
        else:
            self._client("stepfunctions").start_execution(stateMachineArn=arn, input=told)
        return 1

    def _client(self, service: str) -> Any:
        if service not in self._made:
            self._made[service] = self._clients(service)
        return self._made[service]
