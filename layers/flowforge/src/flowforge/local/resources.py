"""Queues, topics, buckets, buses and rules as a template declares them, and the names by which the rest refers to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flowforge.local.cloudformation import ACCOUNT, REGION, Resolver
from flowforge.local.errors import LocalStackError

QUEUE, TOPIC, BUCKET, BUS, RULE, LOG_GROUP = (
    "AWS::SQS::Queue",
    "AWS::SNS::Topic",
    "AWS::S3::Bucket",
    "AWS::Events::EventBus",
    "AWS::Events::Rule",
    "AWS::Logs::LogGroup",
)
_NAME_PROPERTY = {
    QUEUE: "QueueName",
    TOPIC: "TopicName",
    BUCKET: "BucketName",
    BUS: "Name",
    RULE: "Name",
    LOG_GROUP: "LogGroupName",
}
_QUEUE_ATTRIBUTES = (
    "ContentBasedDeduplication",
    "DelaySeconds",
    "FifoQueue",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
)
DEFAULT_VISIBILITY_SECONDS = 30


@dataclass(frozen=True)
class QueueSpec:
    """A queue. ``attributes`` are those of CreateQueue; ``redrive`` is its RedrivePolicy."""

    name: str
    attributes: Mapping[str, str]
    redrive: Mapping[str, Any] | None = None

    @property
    def arn(self) -> str:
        """The queue's ARN on the laptop."""
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"

    @property
    def visibility_seconds(self) -> int:
        """How long a message that was received stays away from others."""
        return int(self.attributes.get("VisibilityTimeout", DEFAULT_VISIBILITY_SECONDS))


@dataclass(frozen=True)
class BucketSpec:
    """A bucket; ``tells_events`` where it sends its events to EventBridge."""

    name: str
    versioned: bool
    tells_events: bool


@dataclass(frozen=True)
class RuleSpec:
    """A rule of EventBridge; ``targets`` as PutTargets takes them."""

    name: str
    bus: str
    pattern: Mapping[str, Any]
    enabled: bool
    targets: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Resources:
    """Everything that the emulator has to hold before the functions run."""

    queues: tuple[QueueSpec, ...] = ()
    topics: tuple[str, ...] = ()
    buckets: tuple[BucketSpec, ...] = ()
    buses: tuple[str, ...] = ()
    rules: tuple[RuleSpec, ...] = ()


def name_attributes(resources: Mapping[str, Mapping[str, Any]], resolver: Resolver, endpoint: str) -> dict[str, str]:
    """What Ref and GetAtt give for each of these resources; ``endpoint`` is the emulator's URL."""
    found: dict[str, str] = {}
    for logical, resource in resources.items():
        kind = resource.get("Type", "")
        if kind not in _NAME_PROPERTY:
            continue
        name = _physical_name(logical, resource, resolver)
        arn = f"arn:aws:{_ARN[kind](name)}"
        reference = {QUEUE: f"{endpoint}/{ACCOUNT}/{name}", TOPIC: arn}.get(kind, name)
        found |= {logical: reference, f"{logical}.Arn": arn}
        found[f"{logical}.{_NAME_PROPERTY[kind]}"] = name
        if kind == TOPIC:
            found[f"{logical}.TopicArn"] = arn
        if kind == QUEUE:
            found[f"{logical}.QueueUrl"] = reference
    return found


def read_resources(resources: Mapping[str, Mapping[str, Any]], resolver: Resolver) -> Resources:
    """Read what the emulator holds. Raises LocalStackError with the place of what it cannot hold."""

    def each(kind: str) -> list[tuple[str, str, Mapping[str, Any]]]:
        return [
            (f"Resources/{logical}", _physical_name(logical, resource, resolver), resource.get("Properties", {}))
            for logical, resource in resources.items()
            if resource.get("Type") == kind
        ]

    return Resources(
        queues=tuple(_queue(place, name, properties, resolver) for place, name, properties in each(QUEUE)),
        topics=tuple(name for _, name, _ in each(TOPIC)),
        buckets=tuple(_bucket(place, name, properties, resolver) for place, name, properties in each(BUCKET)),
        buses=tuple(name for _, name, _ in each(BUS)),
        rules=tuple(_rule(place, name, properties, resolver) for place, name, properties in each(RULE)),
    )


def _physical_name(logical: str, resource: Mapping[str, Any], resolver: Resolver) -> str:
    kind = resource["Type"]
    properties = resource.get("Properties", {})
    given = properties.get(_NAME_PROPERTY[kind])
    if given is not None:
        return str(resolver.resolve(given, f"Resources/{logical}/{_NAME_PROPERTY[kind]}"))
    if kind == BUCKET:
        return f"flowforge-local-{logical.lower()}"
    suffix = ".fifo" if kind == QUEUE and properties.get("FifoQueue") else ""
    return f"flowforge-local-{logical}{suffix}"


def _queue(place: str, name: str, properties: Mapping[str, Any], resolver: Resolver) -> QueueSpec:
    values = resolver.resolve({key: properties[key] for key in _QUEUE_ATTRIBUTES if key in properties}, place)
    redrive = resolver.resolve(properties.get("RedrivePolicy"), f"{place}/RedrivePolicy")
    return QueueSpec(name, {key: _text(value) for key, value in values.items()}, redrive)


def _bucket(place: str, name: str, properties: Mapping[str, Any], resolver: Resolver) -> BucketSpec:
    versioning = resolver.resolve(properties.get("VersioningConfiguration", {}), f"{place}/VersioningConfiguration")
    events = properties.get("NotificationConfiguration", {}).get("EventBridgeConfiguration", {})
    enabled = resolver.resolve(events.get("EventBridgeEnabled", bool(events)), f"{place}/NotificationConfiguration")
    return BucketSpec(name, versioning.get("Status") == "Enabled", _text(enabled) == "true")


def _rule(place: str, name: str, properties: Mapping[str, Any], resolver: Resolver) -> RuleSpec:
    values = resolver.resolve(dict(properties), place)
    if "EventPattern" not in values:
        raise LocalStackError(f"{place}: the local stack runs rules with an EventPattern only")
    targets = tuple(values.get("Targets", ()))
    for target in targets:
        # The emulator would look for these among functions and machines of its own.
        if str(target.get("Arn", "")).split(":")[2:3] in (["lambda"], ["states"]):
            raise LocalStackError(
                f"{place}/Targets: a rule of the local stack reaches queues, topics and buses; let one stand between"
            )
    bus = str(values.get("EventBusName", "default"))
    return RuleSpec(name, bus, values["EventPattern"], values.get("State", "ENABLED") == "ENABLED", targets)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_ARN: Mapping[str, Callable[[str], str]] = {
    QUEUE: lambda name: f"sqs:{REGION}:{ACCOUNT}:{name}",
    TOPIC: lambda name: f"sns:{REGION}:{ACCOUNT}:{name}",
    BUCKET: lambda name: f"s3:::{name}",
    BUS: lambda name: f"events:{REGION}:{ACCOUNT}:event-bus/{name}",
    RULE: lambda name: f"events:{REGION}:{ACCOUNT}:rule/{name}",
    LOG_GROUP: lambda name: f"logs:{REGION}:{ACCOUNT}:log-group:{name}:*",
}
