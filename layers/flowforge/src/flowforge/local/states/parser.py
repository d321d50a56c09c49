"""Reading a definition: everything that this service does not know is refused here, so that nothing is ignored later."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flowforge.local.states.definition import (
    NOT_SET,
    Catcher,
    ChoiceRule,
    ChoiceState,
    Container,
    Definition,
    FailState,
    MapState,
    PassState,
    Retrier,
    State,
    SucceedState,
    TaskState,
    WaitState,
)
from flowforge.local.states.errors import ALL
from flowforge.local.states.fields import (
    CATCHER_FIELDS,
    MACHINE_FIELDS,
    PROCESSOR_FIELDS,
    RETRIER_FIELDS,
    RULE_FIELDS,
    STATE_FIELDS,
    Diagnostics,
    Fields,
    InvalidDefinitionError,
)
from flowforge.local.states.graph import check_flow, check_names, check_scopes

MAXIMAL_SECONDS = 99_999_999
_ALWAYS = frozenset({"input", "context"})
_RESULT = _ALWAYS | {"result"}
_ERROR = _ALWAYS | {"errorOutput"}


def parse_definition(text: str, *, resources: Mapping[str, Collection[str]]) -> Definition:
    """Read a definition. Raises InvalidDefinitionError with everything that is wrong with it.

    ``resources`` are the ARNs that a task may name, each with the fields that its arguments may have.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidDefinitionError([f"INVALID_JSON_DESCRIPTION: {error}"]) from error
    if not isinstance(document, dict):
        raise InvalidDefinitionError(["SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object"])
    diagnostics = Diagnostics()
    definition = _Parser(diagnostics, resources).machine(Fields(document, "", diagnostics))
    if diagnostics.found:
        raise InvalidDefinitionError(diagnostics.found)
    return definition


@dataclass(frozen=True)
class _Parser:
    diagnostics: Diagnostics
    resources: Mapping[str, Collection[str]]

    def machine(self, fields: Fields) -> Definition:
        fields.allow(MACHINE_FIELDS, "a state machine")
        fields.require("States", "StartAt")
        if fields.values.get("QueryLanguage") != "JSONata":
            self.diagnostics.add("The QueryLanguage of this service is 'JSONata' only", "/QueryLanguage")
        if fields.values.get("Version", "1.0") != "1.0":
            self.diagnostics.add("Value should be one of the following: [1.0]", "/Version")
        timeout = None
        if "TimeoutSeconds" in fields.values:
            timeout = int(fields.number("TimeoutSeconds", 1, minimum=1, maximum=MAXIMAL_SECONDS))
        container = self.container(fields)
        check_names(container, self.diagnostics)
        check_scopes(container, self.diagnostics)
        return Definition(container, timeout)

    def container(self, fields: Fields) -> Container:
        states: dict[str, State] = {}
        for name, value in fields.literal("States", dict, {}).items():
            place = f"{fields.place}/States/{name}"
            if not isinstance(value, dict):
                self.diagnostics.add("Expected value of type [OBJECT]", place)
                continue
            state = self.state(name, Fields(value, place, self.diagnostics))
            if state is not None:
                states[name] = state
        container = Container(str(fields.literal("StartAt", str, "")), states)
        if "States" in fields.values and "StartAt" in fields.values:
            check_flow(container, fields.place, self.diagnostics)
        return container

    def state(self, name: str, fields: Fields) -> State | None:
        kind = str(fields.values.get("Type"))
        if kind not in STATE_FIELDS:
            known = ", ".join(STATE_FIELDS)
            self.diagnostics.add(f"Value should be one of the following: [{known}]", f"{fields.place}/Type")
            return None
        if not 1 <= len(name) <= 80:
            self.diagnostics.add("The name of a state has 1 to 80 characters", fields.place)
        fields.allow(STATE_FIELDS[kind], f"a {kind} state")
        language = fields.values.get("QueryLanguage", "JSONata")
        if language == "JSONPath":
            self.diagnostics.add(
                "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", fields.place
            )
        elif language != "JSONata":
            self.diagnostics.add("Value should be one of the following: [JSONPath, JSONata]", f"{fields.place}/QueryLanguage")
        return self.body(kind, name, fields)

    def body(self, kind: str, name: str, fields: Fields) -> State:
        reserved = _RESULT if kind in ("Task", "Map") else _ALWAYS
        common: dict[str, Any] = {
            "name": name,
            "next": self.transition(kind, fields),
            "output": fields.template("Output", "Output", reserved=reserved),
            "assign": fields.assignments("Assign", reserved=reserved),
        }
        match kind:
            case "Task":
                return self.task(common, fields)
            case "Map":
                return self.map(common, fields)
            case "Choice":
                return self.choice(common, fields)
            case "Wait":
                fields.require("Seconds")
                seconds = fields.expression_or("Seconds", "Seconds", int, reserved=_ALWAYS, default=0)
                return WaitState(**common, seconds=self.seconds(seconds, f"{fields.place}/Seconds", minimum=0))
            case "Fail":
                error = fields.expression_or("Error", "Error", str, reserved=_ALWAYS, default=NOT_SET)
                cause = fields.expression_or("Cause", "Cause", str, reserved=_ALWAYS, default=NOT_SET)
                return FailState(**common, error=error, cause=cause)
            case "Succeed":
                return SucceedState(**common)
            case _:
                return PassState(**common)

    def transition(self, kind: str, fields: Fields) -> str | None:
        if kind == "Choice":
            default: str | None = fields.literal("Default", str)
            return default
        if kind in ("Succeed", "Fail"):
            return None
        target: str | None = fields.literal("Next", str)
        ends = fields.literal("End", bool, False)
        if "Next" in fields.values and "End" in fields.values:
            self.diagnostics.add("Only one of the fields [Next, End] is allowed", fields.place)
        elif "Next" not in fields.values and ends is not True:
            self.diagnostics.add("One of these fields is required: [Next, End]", fields.place)
        return target

    def task(self, common: Mapping[str, Any], fields: Fields) -> TaskState:
        fields.require("Resource")
        resource = fields.literal("Resource", str, "")
        if resource and resource not in self.resources:
            known = ", ".join(sorted(self.resources))
            self.diagnostics.add(f"The resource '{resource}' is not supported, only: [{known}]", f"{fields.place}/Resource")
        arguments = fields.template("Arguments", "Arguments", reserved=_ALWAYS)
        if isinstance(arguments, dict) and resource in self.resources:
            known_arguments = Fields(arguments, f"{fields.place}/Arguments", self.diagnostics)
            known_arguments.allow(self.resources[resource], f"the resource '{resource}'")
        timeout = fields.expression_or("TimeoutSeconds", "TimeoutSeconds", int, reserved=_ALWAYS, default=NOT_SET)
        return TaskState(
            **common,
            resource=resource,
            arguments=arguments,
            timeout_seconds=self.seconds(timeout, f"{fields.place}/TimeoutSeconds", minimum=1),
            retriers=self.retriers(fields),
            catchers=self.catchers(fields),
        )

    def map(self, common: Mapping[str, Any], fields: Fields) -> MapState:
        fields.require("ItemProcessor")
        processor = fields.child("ItemProcessor")
        processor.allow(PROCESSOR_FIELDS, "an ItemProcessor")
        processor.require("States", "StartAt")
        config = processor.child("ProcessorConfig")
        config.allow(("Mode",), "a ProcessorConfig of an inline map")
        if config.values.get("Mode", "INLINE") != "INLINE":
            self.diagnostics.add("Value should be one of the following: [INLINE]", f"{config.place}/Mode")
        concurrency = fields.expression_or("MaxConcurrency", "MaxConcurrency", int, reserved=_ALWAYS, default=0)
        return MapState(
            **common,
            items=fields.expression_or("Items", "Items", list, reserved=_ALWAYS, default=NOT_SET),
            item_selector=fields.template("ItemSelector", "ItemSelector", reserved=_ALWAYS),
            max_concurrency=self.seconds(concurrency, f"{fields.place}/MaxConcurrency", minimum=0),
            processor=self.container(processor),
            retriers=self.retriers(fields),
            catchers=self.catchers(fields),
        )

    def choice(self, common: Mapping[str, Any], fields: Fields) -> ChoiceState:
        fields.require("Choices")
        rules = []
        for index, rule in enumerate(fields.nested("Choices")):
            rule.allow(RULE_FIELDS, "a choice rule")
            rule.require("Condition", "Next")
            place = f"Choices[{index}]"
            rules.append(
                ChoiceRule(
                    condition=rule.expression_or("Condition", f"{place}/Condition", bool, reserved=_ALWAYS, default=False),
                    next=rule.literal("Next", str, ""),
                    output=rule.template("Output", f"{place}/Output", reserved=_ALWAYS),
                    assign=rule.assignments(f"{place}/Assign", reserved=_ALWAYS),
                )
            )
        if "Choices" in fields.values and not rules:
            self.diagnostics.add("A choice needs at least one rule", f"{fields.place}/Choices")
        return ChoiceState(**common, rules=tuple(rules))

    def retriers(self, fields: Fields) -> tuple[Retrier, ...]:
        entries = fields.nested("Retry")
        found = []
        for index, entry in enumerate(entries):
            entry.allow(RETRIER_FIELDS, "a retrier")
            jitter = entry.literal("JitterStrategy", str, "NONE")
            if jitter not in ("FULL", "NONE"):
                self.diagnostics.add("Value should be one of the following: [FULL, NONE]", f"{entry.place}/JitterStrategy")
            found.append(
                Retrier(
                    error_equals=self.error_names(entry, last=index == len(entries) - 1),
                    interval_seconds=int(entry.number("IntervalSeconds", 1, minimum=1, maximum=MAXIMAL_SECONDS)),
                    backoff_rate=float(entry.number("BackoffRate", 2.0, minimum=1, maximum=1e9, whole=False)),
                    max_attempts=int(entry.number("MaxAttempts", 3, minimum=0, maximum=MAXIMAL_SECONDS)),
                    max_delay_seconds=int(entry.number("MaxDelaySeconds", 1, minimum=1, maximum=31_622_400))
                    if "MaxDelaySeconds" in entry.values
                    else None,
                    full_jitter=jitter == "FULL",
                )
            )
        return tuple(found)

    def catchers(self, fields: Fields) -> tuple[Catcher, ...]:
        entries = fields.nested("Catch")
        found = []
        for index, entry in enumerate(entries):
            entry.allow(CATCHER_FIELDS, "a catcher")
            entry.require("Next")
            place = f"Catch[{index}]"
            found.append(
                Catcher(
                    error_equals=self.error_names(entry, last=index == len(entries) - 1),
                    next=entry.literal("Next", str, ""),
                    output=entry.template("Output", f"{place}/Output", reserved=_ERROR),
                    assign=entry.assignments(f"{place}/Assign", reserved=_ERROR),
                )
            )
        return tuple(found)

    def error_names(self, fields: Fields, *, last: bool) -> tuple[str, ...]:
        fields.require("ErrorEquals")
        names = tuple(fields.literal("ErrorEquals", list, []))
        place = f"{fields.place}/ErrorEquals"
        if not all(isinstance(name, str) and name for name in names) or not names:
            self.diagnostics.add("Expected a non-empty list of error names", place)
            return ()
        if ALL in names and (len(names) > 1 or not last):
            self.diagnostics.add(f"'{ALL}' must stand alone, and in the last entry", place)
        return names

    def seconds(self, value: Any, place: str, *, minimum: int) -> Any:
        """A literal number is checked now, an expression when it was evaluated."""
        if isinstance(value, int) and not minimum <= value <= MAXIMAL_SECONDS:
            self.diagnostics.add(f"Value must be from {minimum} to {MAXIMAL_SECONDS}", place)
        return value
