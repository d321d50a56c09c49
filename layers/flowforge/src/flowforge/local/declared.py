"""Creating in the emulator what a template declares; what is there already is brought to what is declared."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from flowforge.local.errors import LocalStackError
from flowforge.local.resources import BucketSpec, QueueSpec, Resources, RuleSpec


def create_declared(resources: Resources, client: Callable[[str], Any]) -> None:
    """Create everything, each before whatever names it. Raises LocalStackError where the emulator refuses it."""
    try:
        for bucket in resources.buckets:
            create_bucket(bucket, client("s3"))
        if resources.queues:
            sqs = client("sqs")
            # A redrive policy names another queue by its ARN, which has to be there.
            for queue in sorted(resources.queues, key=lambda item: item.redrive is not None):
                _create_queue(queue, sqs)
        for topic in resources.topics:
            client("sns").create_topic(Name=topic)
        if resources.buses or resources.rules:
            events = client("events")
            for bus in resources.buses:
                _create_bus(bus, events)
            for rule in resources.rules:
                _create_rule(rule, events)
    except ClientError as error:
        raise LocalStackError(f"the emulator refused what the template declares: {error}") from error


def create_bucket(bucket: BucketSpec, s3: Any) -> None:
    """Create a bucket where it is not there; objects in it stay."""
    if bucket.name not in [item["Name"] for item in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=bucket.name)
    if bucket.versioned:
        s3.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    if bucket.tells_events:
        s3.put_bucket_notification_configuration(Bucket=bucket.name, NotificationConfiguration={"EventBridgeConfiguration": {}})


def _create_queue(queue: QueueSpec, sqs: Any) -> None:
    attributes = dict(queue.attributes)
    if queue.redrive is not None:
        attributes["RedrivePolicy"] = json.dumps(queue.redrive)
    try:
        url = sqs.get_queue_url(QueueName=queue.name)["QueueUrl"]
    except ClientError as error:
        if "NonExistentQueue" not in error.response["Error"]["Code"]:
            raise
        sqs.create_queue(QueueName=queue.name, Attributes=attributes)
        return
    changeable = {name: value for name, value in attributes.items() if name != "FifoQueue"}
    if changeable:
        sqs.set_queue_attributes(QueueUrl=url, Attributes=changeable)


def _create_bus(name: str, events: Any) -> None:
    try:
        events.create_event_bus(Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def _create_rule(rule: RuleSpec, events: Any) -> None:
    state = "ENABLED" if rule.enabled else "DISABLED"
    events.put_rule(Name=rule.name, EventBusName=rule.bus, EventPattern=json.dumps(rule.pattern), State=state)
    if rule.targets:
        events.put_targets(Rule=rule.name, EventBusName=rule.bus, Targets=[dict(target) for target in rule.targets])
