"""Reading the states that call nothing: Choice, Wait and Fail."""

from collections.abc import Mapping
from typing import Any

from flowforge.local.states.clock import parse_timestamp
from flowforge.local.states.definition import NOT_SET, ChoiceRule, ChoiceState, FailState, WaitState
from flowforge.local.states.expressions import expression_of
from flowforge.local.states.fields import ALWAYS_MEMBERS, RULE_FIELDS, Fields


def read_choice(common: Mapping[str, Any], fields: Fields) -> ChoiceState:
    """A Choice state with its rules."""
    fields.require("Choices")
    rules = []
    for index, rule in enumerate(fields.nested("Choices")):
        rule.allow(RULE_FIELDS, "a choice rule")
        rule.require("Condition", "Next")
        place = f"Choices[{index}]"
        rules.append(
            ChoiceRule(
                condition=rule.expression_or("Condition", f"{place}/Condition", bool, reserved=ALWAYS_MEMBERS, default=False),
                next=rule.literal("Next", str, ""),
                output=rule.template("Output", f"{place}/Output", reserved=ALWAYS_MEMBERS),
                assign=rule.assignments(f"{place}/Assign", reserved=ALWAYS_MEMBERS),
            )
        )
    if "Choices" in fields.values and not rules:
        fields.diagnostics.add("A choice needs at least one rule", f"{fields.place}/Choices")
    return ChoiceState(**common, rules=tuple(rules))


def read_wait(common: Mapping[str, Any], fields: Fields) -> WaitState:
    """A Wait state: it has one of Seconds and Timestamp, not both."""
    given = [name for name in ("Seconds", "Timestamp") if name in fields.values]
    if not given:
        fields.diagnostics.add("One of these fields is required: [Seconds, Timestamp]", fields.place)
    elif len(given) > 1:
        fields.diagnostics.add("Only one of the fields [Seconds, Timestamp] is allowed", fields.place)
    moment = fields.expression_or("Timestamp", "Timestamp", str, reserved=ALWAYS_MEMBERS, default=NOT_SET)
    if isinstance(moment, str) and expression_of(moment) is None and parse_timestamp(moment) is None:
        fields.diagnostics.add("Value must be a valid ISO-8601 timestamp", f"{fields.place}/Timestamp")
    return WaitState(**common, seconds=fields.seconds("Seconds", minimum=0, default=NOT_SET), timestamp=moment)


def read_fail(common: Mapping[str, Any], fields: Fields) -> FailState:
    """A Fail state with its error and cause."""
    error = fields.expression_or("Error", "Error", str, reserved=ALWAYS_MEMBERS, default=NOT_SET)
    cause = fields.expression_or("Cause", "Cause", str, reserved=ALWAYS_MEMBERS, default=NOT_SET)
    return FailState(**common, error=error, cause=cause)
