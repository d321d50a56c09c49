"""Reading a definition: everything that this service does not know is refused here, so that nothing is ignored later."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowforge.local.states.definition import (
    NOT_SET,
    Container,
    Definition,
    MapState,
    ParallelState,
    PassState,
    State,
    SucceedState,
)
from flowforge.local.states.fields import (
    ALWAYS_MEMBERS,
    BRANCH_FIELDS,
    MACHINE_FIELDS,
    MAXIMAL_SECONDS,
    PROCESSOR_FIELDS,
    RESULT_MEMBERS,
    STATE_FIELDS,
    ArgumentNames,
    Diagnostic,
    Diagnostics,
    Fields,
    InvalidDefinitionError,
)
from flowforge.local.states.graph import check_flow, check_names, check_scopes
from flowforge.local.states.handlers import read_catchers, read_retriers
from flowforge.local.states.plain_states import read_choice, read_fail, read_wait
from flowforge.local.states.task_reader import read_task

_WITH_RESULT = ("Task", "Map", "Parallel")


def parse_definition(text: str, *, resources: Mapping[str, ArgumentNames]) -> Definition:
    """Read a definition. Raises InvalidDefinitionError with everything that is wrong with it.

    ``resources`` are the ARNs that a task may name, each with the fields that its arguments may and must have.
    """
    try:
        document = json.loads(text) if text.strip() else None
    except ValueError as error:
        raise InvalidDefinitionError([Diagnostic("INVALID_JSON_DESCRIPTION", str(error))]) from error
    if not isinstance(document, dict):
        raise InvalidDefinitionError([Diagnostic("SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object")])
    diagnostics = Diagnostics()
    definition = _Parser(diagnostics, resources).machine(Fields(document, "", diagnostics))
    if diagnostics.found:
        raise InvalidDefinitionError(diagnostics.found)
    return definition


@dataclass(frozen=True)
class _Parser:
    diagnostics: Diagnostics
    resources: Mapping[str, ArgumentNames]

    def machine(self, fields: Fields) -> Definition:
        fields.allow(MACHINE_FIELDS, "a state machine")
        fields.require("States", "StartAt")
        # AWS takes JSONPath where nothing is said; an empty definition is told only what it lacks.
        if fields.values.get("QueryLanguage") != "JSONata" and fields.values:
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
        reserved = RESULT_MEMBERS if kind in _WITH_RESULT else ALWAYS_MEMBERS
        common: dict[str, Any] = {
            "name": name,
            "next": self.transition(kind, fields),
            "output": fields.template("Output", "Output", reserved=reserved),
            "assign": fields.assignments("Assign", reserved=reserved),
        }
        match kind:
            case "Task":
                return read_task(common, fields, self.resources)
            case "Map":
                return self.map(common, fields)
            case "Parallel":
                return self.parallel(common, fields)
            case "Choice":
                return read_choice(common, fields)
            case "Wait":
                return read_wait(common, fields)
            case "Fail":
                return read_fail(common, fields)
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

    def map(self, common: Mapping[str, Any], fields: Fields) -> MapState:
        fields.require("ItemProcessor")
        processor = fields.child("ItemProcessor")
        processor.allow(PROCESSOR_FIELDS, "an ItemProcessor")
        processor.require("States", "StartAt")
        config = processor.child("ProcessorConfig")
        config.allow(("Mode",), "a ProcessorConfig of an inline map")
        if config.values.get("Mode", "INLINE") != "INLINE":
            self.diagnostics.add("Value should be one of the following: [INLINE]", f"{config.place}/Mode")
        return MapState(
            **common,
            items=fields.expression_or("Items", "Items", list, reserved=ALWAYS_MEMBERS, default=NOT_SET),
            item_selector=fields.template("ItemSelector", "ItemSelector", reserved=ALWAYS_MEMBERS),
            max_concurrency=fields.seconds("MaxConcurrency", minimum=0, default=0),
            processor=self.container(processor),
            retriers=read_retriers(fields),
            catchers=read_catchers(fields),
        )

    def parallel(self, common: Mapping[str, Any], fields: Fields) -> ParallelState:
        fields.require("Branches")
        branches = []
        for branch in fields.nested("Branches"):
            branch.allow(BRANCH_FIELDS, "a branch")
            branch.require("States", "StartAt")
            branches.append(self.container(branch))
        if "Branches" in fields.values and not branches:
            self.diagnostics.add("A parallel state needs at least one branch", f"{fields.place}/Branches")
        return ParallelState(
            **common,
            arguments=fields.template("Arguments", "Arguments", reserved=ALWAYS_MEMBERS),
            branches=tuple(branches),
            retriers=read_retriers(fields),
            catchers=read_catchers(fields),
        )
