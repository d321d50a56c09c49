"""Reading the schedules of a template: when each fires, and what it sends to which queue or function."""

from collections.abc import Iterable, Mapping
from typing import Any

from flowforge.local.cloudformation import Resolver
from flowforge.local.errors import LocalStackError
from flowforge.local.resources import QueueSpec
from flowforge.local.schedule_expressions import parse_expression
from flowforge.local.template import ScheduleSpec, unqualified

SCHEDULE_TYPE = "AWS::Scheduler::Schedule"
_FIELDS = {
    "Description",
    "FlexibleTimeWindow",
    "Name",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "State",
    "Target",
}
# What says who may send, and what becomes of a message that is not taken; a laptop has no use for either.
_TARGET_FIELDS = {"Arn", "Input", "SqsParameters"}
_IGNORED_TARGET_FIELDS = {"RoleArn", "RetryPolicy", "DeadLetterConfig"}


def read_schedules(
    resources: Mapping[str, Mapping[str, Any]], resolver: Resolver, queues: Iterable[QueueSpec], functions: Iterable[str]
) -> tuple[ScheduleSpec, ...]:
    """Read every schedule, also those that are switched off.

    Raises LocalStackError with the place of an expression or a time zone that is wrong, of a target that is no queue or
    function of the template, and of what the laptop does not do. ``functions`` are their ARNs.
    """
    known = {queue.arn for queue in queues} | set(functions)
    return tuple(
        _schedule(f"Resources/{logical}", logical, resource.get("Properties", {}), resolver, known)
        for logical, resource in resources.items()
        if resource.get("Type") == SCHEDULE_TYPE
    )


def _schedule(place: str, logical: str, properties: Mapping[str, Any], resolver: Resolver, targets: set[str]) -> ScheduleSpec:
    target = properties.get("Target", {})
    unknown = sorted(set(properties) - _FIELDS) + sorted(set(target) - _TARGET_FIELDS - _IGNORED_TARGET_FIELDS)
    if unknown:
        raise LocalStackError(f"{place}: the local stack does not know {', '.join(unknown)} of a schedule")
    values = resolver.resolve({name: value for name, value in properties.items() if name != "Target"}, place)
    own = resolver.resolve({name: value for name, value in target.items() if name in _TARGET_FIELDS}, f"{place}/Target")
    if values.get("FlexibleTimeWindow", {}).get("Mode") != "OFF":
        raise LocalStackError(f"{place}/FlexibleTimeWindow: the local stack fires on time; the Mode is OFF")
    arn = unqualified(str(own.get("Arn")))
    if arn not in targets:
        raise LocalStackError(f"{place}/Target/Arn: the template declares no queue or function with the ARN {own.get('Arn')}")
    if "Input" not in own:
        raise LocalStackError(f"{place}/Target/Input: it states nothing to send")
    try:
        recurrence = parse_expression(
            str(values.get("ScheduleExpression", "")), str(values.get("ScheduleExpressionTimezone", "UTC"))
        )
    except ValueError as error:
        raise LocalStackError(f"{place}/ScheduleExpression: {error}") from error
    return ScheduleSpec(
        name=str(values.get("Name", logical)),
        recurrence=recurrence,
        target_arn=arn,
        input=str(own["Input"]),
        group=own.get("SqsParameters", {}).get("MessageGroupId"),
        enabled=values.get("State", "ENABLED") == "ENABLED",
    )
