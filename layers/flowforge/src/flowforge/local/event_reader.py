"""Reading what calls a function by itself: queues, and what becomes of asynchronous calls."""

from collections.abc import Iterable, Mapping
from typing import Any

from flowforge.local.cloudformation import Resolver
from flowforge.local.errors import LocalStackError
from flowforge.local.resources import QueueSpec
from flowforge.local.template import AsynchronousCalls, Destination, QueueMapping

_DESTINATIONS = ("SQS", "SNS", "Lambda", "EventBridge")
_REPORT = "ReportBatchItemFailures"
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
_DEFAULT_BATCH = 10
_LARGEST_FIFO_BATCH = 10
_LARGEST_BATCH = 10_000
_MAPPING_FIELDS = {
    "Queue",
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "FunctionResponseTypes",
    "ScalingConfig",
    "Enabled",
}


def read_asynchronous_calls(place: str, properties: Mapping[str, Any], resolver: Resolver) -> AsynchronousCalls:
    """Read ``EventInvokeConfig`` and ``DeadLetterQueue``. Raises LocalStackError."""
    config = resolver.resolve(properties.get("EventInvokeConfig", {}), f"{place}/EventInvokeConfig")
    default = AsynchronousCalls()
    destinations = config.get("DestinationConfig", {})
    return AsynchronousCalls(
        retries=int(config.get("MaximumRetryAttempts", default.retries)),
        maximum_age_seconds=int(config.get("MaximumEventAgeInSeconds", default.maximum_age_seconds)),
        on_success=_destination(f"{place}/EventInvokeConfig/DestinationConfig/OnSuccess", destinations.get("OnSuccess")),
        on_failure=_destination(f"{place}/EventInvokeConfig/DestinationConfig/OnFailure", destinations.get("OnFailure")),
        dead_letters=_dead_letters(f"{place}/DeadLetterQueue", properties.get("DeadLetterQueue"), resolver),
    )


def read_queue_mappings(
    place: str, properties: Mapping[str, Any], resolver: Resolver, queues: Iterable[QueueSpec], timeout_seconds: float
) -> tuple[QueueMapping, ...]:
    """Read the ``Events`` of type SQS. Raises LocalStackError for any other type, and for what Lambda would refuse."""
    declared = {queue.arn: queue for queue in queues}
    found = []
    for name, event in properties.get("Events", {}).items():
        own = f"{place}/Events/{name}"
        if event.get("Type") != "SQS":
            raise LocalStackError(f"{own}: the local stack has events of type SQS, and this one is {event.get('Type')}")
        fields = resolver.resolve(event.get("Properties", {}), own)
        unknown = sorted(set(fields) - _MAPPING_FIELDS)
        if unknown:
            raise LocalStackError(f"{own}: the local stack does not know {', '.join(unknown)}")
        if str(fields.get("Enabled", True)).lower() == "false":
            continue
        queue = declared.get(str(fields.get("Queue")))
        if queue is None:
            raise LocalStackError(f"{own}/Queue: the template declares no queue with the ARN {fields.get('Queue')}")
        mapping = QueueMapping(
            queue_arn=queue.arn,
            batch_size=int(fields.get("BatchSize", _DEFAULT_BATCH)),
            window_seconds=float(fields.get("MaximumBatchingWindowInSeconds", 0)),
            reports_item_failures=_REPORT in fields.get("FunctionResponseTypes", ()),
            concurrency=int(fields.get("ScalingConfig", {}).get("MaximumConcurrency", QueueMapping.concurrency)),
        )
        _check(own, mapping, queue, timeout_seconds)
        found.append(mapping)
    return tuple(found)


def _check(place: str, mapping: QueueMapping, queue: QueueSpec, timeout_seconds: float) -> None:
    fifo = queue.name.endswith(".fifo")
    largest = _LARGEST_FIFO_BATCH if fifo else _LARGEST_BATCH
    if not 1 <= mapping.batch_size <= largest:
        raise LocalStackError(f"{place}/BatchSize: {mapping.batch_size} is not between 1 and {largest}")
    if mapping.batch_size > _DEFAULT_BATCH and mapping.window_seconds < 1:
        raise LocalStackError(f"{place}: a BatchSize above {_DEFAULT_BATCH} needs a MaximumBatchingWindowInSeconds of 1 or more")
    if fifo and mapping.window_seconds:
        raise LocalStackError(f"{place}/MaximumBatchingWindowInSeconds: a FIFO queue has no batching window")
    if queue.visibility_seconds < timeout_seconds:
        raise LocalStackError(
            f"{place}: the queue's VisibilityTimeout of {queue.visibility_seconds} s is less than the function's Timeout "
            f"of {timeout_seconds:.0f} s"
        )


def _destination(place: str, declared: Mapping[str, Any] | None) -> Destination | None:
    if not declared:
        return None
    arn = declared.get("Destination")
    if not isinstance(arn, str):
        raise LocalStackError(f"{place}/Destination: the local stack creates no destination of its own; name one")
    kind = str(declared.get("Type") or _kind_of(arn))
    if kind not in _DESTINATIONS:
        raise LocalStackError(f"{place}/Type: {kind} is not one of {', '.join(_DESTINATIONS)}")
    return Destination(kind, arn)


def _dead_letters(place: str, declared: Mapping[str, Any] | None, resolver: Resolver) -> Destination | None:
    if not declared:
        return None
    target = resolver.resolve(declared, place)
    kind, arn = target.get("Type"), target.get("TargetArn")
    if kind not in ("SQS", "SNS") or not isinstance(arn, str):
        raise LocalStackError(f"{place}: it needs a Type, SQS or SNS, and a TargetArn")
    return Destination(str(kind), arn)


def _kind_of(arn: str) -> str:
    service = arn.split(":")[2] if arn.count(":") > 2 else ""
    return {"sqs": "SQS", "sns": "SNS", "lambda": "Lambda", "events": "EventBridge"}.get(service, service)
