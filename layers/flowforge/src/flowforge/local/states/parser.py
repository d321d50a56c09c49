"""Reading a definition: everything that this service does not know is refused here, so that nothing is ignored later."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from flowforge.local.states.definition import (
    NOT_SET,
    ChoiceRule,
    ChoiceState,
    Container,
    Definition,
    FailState,
    MapState,
    PassState,
    State,
    SucceedState,
    TaskState,
    WaitState,
)
from flowforge.local.states.fields import (
    ALWAYS_MEMBERS,
    MACHINE_FIELDS,
    MAXIMAL_SECONDS,
    PROCESSOR_FIELDS,
    RESULT_MEMBERS,
    RULE_FIELDS,
    STATE_FIELDS,
    Diagnostics,
    Fields,
    InvalidDefinitionError,
)
from flowforge.local.states.graph import check_flow, check_names, check_scopes
from flowforge.local.states.handlers import read_catchers, read_retriers


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
        reserved = RESULT_MEMBERS if kind in ("Task", "Map") else ALWAYS_MEMBERS
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
                seconds = fields.expression_or("Seconds", "Seconds", int, reserved=ALWAYS_MEMBERS, default=0)
                return WaitState(**common, seconds=self.seconds(seconds, f"{fields.place}/Seconds", minimum=0))
            case "Fail":
                error = fields.expression_or("Error", "Error", str, reserved=ALWAYS_MEMBERS, default=NOT_SET)
                cause = fields.expression_or("Cause", "Cause", str, reserved=ALWAYS_MEMBERS, default=NOT_SET)
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
        arguments = fields.template("Arguments", "Arguments", reserved=ALWAYS_MEMBERS)
        if isinstance(arguments, dict) and resource in self.resources:
            known_arguments = Fields(arguments, f"{fields.place}/Arguments", self.diagnostics)
            known_arguments.allow(self.resources[resource], f"the resource '{resource}'")
        timeout = fields.expression_or("TimeoutSeconds", "TimeoutSeconds", int, reserved=ALWAYS_MEMBERS, default=NOT_SET)
        return TaskState(
            **common,
            resource=resource,
            arguments=arguments,
            timeout_seconds=self.seconds(timeout, f"{fields.place}/TimeoutSeconds", minimum=1),
            retriers=read_retriers(fields),
            catchers=read_catchers(fields),
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
        concurrency = fields.expression_or("MaxConcurrency", "MaxConcurrency", int, reserved=ALWAYS_MEMBERS, default=0)
        return MapState(
            **common,
            items=fields.expression_or("Items", "Items", list, reserved=ALWAYS_MEMBERS, default=NOT_SET),
            item_selector=fields.template("ItemSelector", "ItemSelector", reserved=ALWAYS_MEMBERS),
            max_concurrency=self.seconds(concurrency, f"{fields.place}/MaxConcurrency", minimum=0),
            processor=self.container(processor),
            retriers=read_retriers(fields),
            catchers=read_catchers(fields),
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
                    condition=rule.expression_or("Condition", f"{place}/Condition", bool, reserved=ALWAYS_MEMBERS, default=False),
                    next=rule.literal("Next", str, ""),
                    output=rule.template("Output", f"{place}/Output", reserved=ALWAYS_MEMBERS),
                    assign=rule.assignments(f"{place}/Assign", reserved=ALWAYS_MEMBERS),
                )
            )
        if "Choices" in fields.values and not rules:
            self.diagnostics.add("A choice needs at least one rule", f"{fields.place}/Choices")
        return ChoiceState(**common, rules=tuple(rules))

    def seconds(self, value: Any, place: str, *, minimum: int) -> Any:
        """A literal number is checked now, an expression when it was evaluated."""
        if isinstance(value, int) and not minimum <= value <= MAXIMAL_SECONDS:
            self.diagnostics.add(f"Value must be from {minimum} to {MAXIMAL_SECONDS}", place)
        return value
