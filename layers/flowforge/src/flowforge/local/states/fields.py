"""Reading the fields of a definition: what each state may carry, and the diagnostics for what it may not."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowforge.local.states.definition import NOT_SET
from flowforge.local.states.errors import ServiceError
from flowforge.local.states.expressions import expression_of, expressions_in, problems_of

SCHEMA = "SCHEMA_VALIDATION_FAILED"
TRANSITION = "MISSING_TRANSITION_TARGET"
NO_END = "MISSING_END_STATE"

MAXIMAL_SECONDS = 99_999_999
# The members of $states that exist in a field: a result beside a result, an error in a catcher.
ALWAYS_MEMBERS = frozenset({"input", "context"})
RESULT_MEMBERS = ALWAYS_MEMBERS | {"result"}
ERROR_MEMBERS = ALWAYS_MEMBERS | {"errorOutput"}

MACHINE_FIELDS = ("Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version")
_ALWAYS = ("Type", "Comment", "QueryLanguage")
_FLOW = ("Next", "End", "Assign", "Output")
STATE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "Task": (*_ALWAYS, *_FLOW, "Resource", "Arguments", "TimeoutSeconds", "Retry", "Catch"),
    "Pass": (*_ALWAYS, *_FLOW),
    "Choice": (*_ALWAYS, "Assign", "Output", "Choices", "Default"),
    "Wait": (*_ALWAYS, *_FLOW, "Seconds", "Timestamp"),
    "Succeed": (*_ALWAYS, "Output"),
    "Fail": (*_ALWAYS, "Error", "Cause"),
    "Map": (*_ALWAYS, *_FLOW, "Items", "ItemSelector", "ItemProcessor", "MaxConcurrency", "Retry", "Catch"),
    "Parallel": (*_ALWAYS, *_FLOW, "Branches", "Arguments", "Retry", "Catch"),
}
RULE_FIELDS = ("Comment", "Condition", "Next", "Assign", "Output")
CATCHER_FIELDS = ("Comment", "ErrorEquals", "Next", "Assign", "Output")
RETRIER_FIELDS = (
    "Comment",
    "ErrorEquals",
    "IntervalSeconds",
    "BackoffRate",
    "MaxAttempts",
    "MaxDelaySeconds",
    "JitterStrategy",
)
PROCESSOR_FIELDS = ("Comment", "ProcessorConfig", "StartAt", "States")
BRANCH_FIELDS = ("Comment", "StartAt", "States")
# Fields of the other query language, which AWS refuses with words of their own.
JSONPATH_FIELDS = (
    "InputPath",
    "OutputPath",
    "ResultPath",
    "ResultSelector",
    "Parameters",
    "Result",
    "ItemsPath",
    "MaxConcurrencyPath",
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "ErrorPath",
    "CausePath",
    "Variable",
)

_KINDS: Mapping[type, str] = {str: "STRING", dict: "OBJECT", list: "ARRAY", bool: "BOOLEAN", int: "INTEGER"}


class InvalidDefinitionError(ServiceError):
    """A definition that CreateStateMachine refuses, with every diagnostic."""

    def __init__(self, diagnostics: Iterable["Diagnostic"]) -> None:
        self.diagnostics = tuple(diagnostics)
        listed = ", ".join(str(diagnostic) for diagnostic in self.diagnostics)
        super().__init__("InvalidDefinition", f"Invalid State Machine Definition: '{listed}'")


@dataclass(frozen=True)
class ArgumentNames:
    """The fields that the arguments of a resource may have, and those that they must have."""

    allowed: Collection[str]
    required: Collection[str] = ()


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong with a definition. ``place`` is empty where the whole text is."""

    code: str
    message: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" at {self.place}" if self.place else "")


@dataclass
class Diagnostics:
    """What is wrong with a definition, collected while it is read."""

    found: list[Diagnostic] = field(default_factory=list)

    def add(self, message: str, place: str, code: str = SCHEMA) -> None:
        """Note a fault with its place."""
        self.found.append(Diagnostic(code, message, place))


@dataclass(frozen=True)
class Fields:
    """One JSON object of a definition, with the place where it stands."""

    values: Mapping[str, Any]
    place: str
    diagnostics: Diagnostics

    def allow(self, names: Collection[str], owner: str) -> None:
        """Refuse every field that is not among ``names``."""
        for name in self.values:
            if name in JSONPATH_FIELDS:
                self.diagnostics.add(
                    f"The QueryLanguage is set to 'JSONata', but field '{name}' is only supported for the 'JSONPath' "
                    "QueryLanguage",
                    self.place,
                )
            elif name not in names:
                self.diagnostics.add(f"Field '{name}' is not supported for {owner}", f"{self.place}/{name}")

    def require(self, *names: str) -> None:
        """Refuse the object where one of the fields is missing."""
        missing = [name for name in names if name not in self.values]
        if missing:
            self.diagnostics.add(f"These fields are required: [{', '.join(missing)}]", self.place or "/")

    def literal(self, name: str, kind: type, default: Any = None) -> Any:
        """A field that is no expression, of one type; ``default`` where it is missing or wrong."""
        value = self.values.get(name, NOT_SET)
        if value is NOT_SET:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.diagnostics.add(f"Expected value of type [{_KINDS.get(kind, 'NUMBER')}]", f"{self.place}/{name}")
            return default
        return value

    def number(self, name: str, default: float, *, minimum: float, maximum: float, whole: bool = True) -> Any:
        """A literal number within limits."""
        value = self.values.get(name, default)
        right_kind = isinstance(value, int) if whole else isinstance(value, int | float)
        if isinstance(value, bool) or not right_kind:
            self.diagnostics.add(f"Expected value of type [{'INTEGER' if whole else 'NUMBER'}]", f"{self.place}/{name}")
            return default
        if not minimum <= value <= maximum:
            self.diagnostics.add(f"Value must be from {minimum:g} to {maximum:g}", f"{self.place}/{name}")
            return default
        return value

    def template(self, name: str, location: str, *, reserved: Collection[str], default: Any = NOT_SET) -> Any:
        """A field that may hold expressions; each one is parsed, and its references are checked."""
        value = self.values.get(name, NOT_SET)
        if value is NOT_SET:
            return default
        for source, where in expressions_in(value, location):
            for code, message in problems_of(source, reserved=reserved):
                self.diagnostics.add(message, f"{self.place}/{where.removeprefix(location.removesuffix(name))}", code)
        return value

    def expression_or(self, name: str, location: str, kind: type, *, reserved: Collection[str], default: Any) -> Any:
        """A field that is an expression or a literal of one type."""
        value = self.template(name, location, reserved=reserved, default=default)
        if value is default or expression_of(value) is not None:
            return value
        return self.literal(name, kind, default)

    def seconds(self, name: str, *, minimum: int, default: Any) -> Any:
        """A whole number or an expression. A literal is checked against its limits now, an expression when it was evaluated."""
        value = self.expression_or(name, name, int, reserved=ALWAYS_MEMBERS, default=default)
        if isinstance(value, int) and not minimum <= value <= MAXIMAL_SECONDS:
            self.diagnostics.add(f"Value must be from {minimum} to {MAXIMAL_SECONDS}", f"{self.place}/{name}")
        return value

    def assignments(self, location: str, *, reserved: Collection[str]) -> Mapping[str, Any]:
        """The ``Assign`` field: an object whose keys are names of variables."""
        value = self.template("Assign", location, reserved=reserved, default={})
        if not isinstance(value, dict):
            self.diagnostics.add("Expected value of type [OBJECT]", f"{self.place}/Assign")
            return {}
        for name in value:
            if name == "states" or not name.isidentifier() or len(name) > 80:
                self.diagnostics.add(f"'{name}' is not a valid variable name", f"{self.place}/Assign/{name}")
        return value

    def nested(self, name: str) -> "list[Fields]":
        """A field that is an array of objects."""
        found = []
        for index, item in enumerate(self.literal(name, list, [])):
            place = f"{self.place}/{name}[{index}]"
            if isinstance(item, dict):
                found.append(Fields(item, place, self.diagnostics))
            else:
                self.diagnostics.add("Expected value of type [OBJECT]", place)
        return found

    def child(self, name: str) -> "Fields":
        """A field that is an object."""
        return Fields(self.literal(name, dict, {}), f"{self.place}/{name}", self.diagnostics)
