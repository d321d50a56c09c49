"""What Silver does with columns and rows, in the short forms of the command line."""

import re
from collections.abc import Iterable

from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.model.lookup import DerivedColumn
from flowforge.model.quality_rule import QualityRule, Severity
from flowforge.model.row_filter import LISTS, NULLS, Operator, RowFilter
from flowforge.model.text_transformation import Transformation
from flowforge.model.transformation import ColumnMapping

CALL = re.compile(r"\s*([a-z_]+)\s*(?:\((.*)\))?\s*", re.DOTALL)
DERIVED = re.compile(r"\s*(?P<name>.+?)\s+(?P<type>[a-z]+(?:\([0-9, ]+\))?)\s*=(?!=)\s*(?P<expression>.+)", re.DOTALL)
SIGNS = {
    "is not null": Operator.NOT_NULL,
    "is null": Operator.IS_NULL,
    "not in": Operator.NOT_IN,
    "in": Operator.IN,
    "not contains": Operator.NOT_CONTAINS,
    "contains": Operator.CONTAINS,
    "starts with": Operator.STARTS_WITH,
    "ends with": Operator.ENDS_WITH,
    ">=": Operator.GREATER_OR_EQUALS,
    "<=": Operator.LESS_OR_EQUALS,
    "!=": Operator.NOT_EQUALS,
    "<>": Operator.NOT_EQUALS,
    "=": Operator.EQUALS,
    ">": Operator.GREATER_THAN,
    "<": Operator.LESS_THAN,
}
WORDS = "is not null|is null|not in|in|not contains|contains|starts with|ends with"
CONDITION = re.compile(
    rf"\s*(?P<column>.+?)(?:\s+(?P<words>{WORDS})(?:\s+|$)|\s*(?P<sign>>=|<=|!=|<>|=|>|<)\s*)(?P<value>.*?)\s*",
    re.DOTALL | re.IGNORECASE,
)
PARAMETERS = {
    "replace": ("search", "replacement"),
    "substring": ("start", "length"),
    "phone_format": ("country_code",),
    "format": ("pattern",),
}
"""The parameters of a transformation, in the order in which they stand between its parentheses."""


def columns(option: str, values: Iterable[str]) -> tuple[str, ...]:
    """Split names of columns, given one by one or separated by commas."""
    names = [name.strip() for value in values for name in value.split(",")]
    if "" in names:
        raise UsageError(f"{option}: the name of a column is missing in {printable(','.join(values))!r}")
    return tuple(names)


def column_mappings(types: Iterable[str], transforms: Iterable[str]) -> tuple[ColumnMapping, ...]:
    """The columns that have a type or transformations. Raises UsageError or ValueError for one that is written wrongly."""
    declared = _types(types)
    changes = _changes(transforms)
    return tuple(
        ColumnMapping(source_column=column, data_type=declared.get(column), transformations=changes.get(column, ()))
        for column in dict.fromkeys([*declared, *changes])
    )


def _types(types: Iterable[str]) -> dict[str, str]:
    declared: dict[str, str] = {}
    for text in types:
        column, _, data_type = text.rpartition("=")
        if not column or not data_type:
            raise UsageError(f"--type: {printable(text)!r} is not of the form COLUMN=TYPE, such as ordered_on=date")
        if column in declared:
            raise UsageError(f"--type: the column {printable(column)!r} has two types")
        declared[column] = data_type
    return declared


def _changes(transforms: Iterable[str]) -> dict[str, tuple[Transformation, ...]]:
    changes: dict[str, tuple[Transformation, ...]] = {}
    for text in transforms:
        column, separator, calls = text.partition(":")
        if not separator or not column.strip() or not calls.strip():
            raise UsageError(
                f"--transform: {printable(text)!r} is not of the form COLUMN: CHANGE, such as 'email: trim, lowercase'"
            )
        wanted = tuple(_transformation(call) for call in _split(calls))
        changes[column.strip()] = (*changes.get(column.strip(), ()), *wanted)
    return changes


def _transformation(text: str) -> Transformation:
    name, arguments = _call("--transform", text)
    names = PARAMETERS.get(name, ())
    if len(arguments) > len(names):
        raise UsageError(f"--transform: {name} takes {len(names)} values in parentheses: {', '.join(names) or 'none'}")
    return Transformation.model_validate({"type": name, "parameters": dict(zip(names, arguments, strict=False))})


def derived_columns(texts: Iterable[str]) -> tuple[DerivedColumn, ...]:
    """Columns of the form ``net decimal(12,2) = amount - tax``."""
    found = []
    for text in texts:
        match = DERIVED.fullmatch(text)
        if match is None:
            raise UsageError(
                f"--derive: {printable(text)!r} is not of the form COLUMN TYPE = EXPRESSION, such as 'net float = amount - tax'"
            )
        found.append(DerivedColumn(name=match["name"], data_type=match["type"], expression=match["expression"].strip()))
    return tuple(found)


def row_filters(texts: Iterable[str]) -> tuple[RowFilter, ...]:
    """Conditions of the form ``amount > 0``."""
    return tuple(_row_filter(text) for text in texts)


def _row_filter(text: str) -> RowFilter:
    match = CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(f"--filter: {printable(text)!r} is no condition; write one such as 'amount > 0' or 'email is not null'")
    operator = SIGNS[(match["words"] or match["sign"]).lower()]
    value: str | tuple[str, ...] | None = match["value"]
    if operator in LISTS:
        value = tuple(part.strip() for part in match["value"].split(","))
    elif operator in NULLS:
        value = match["value"] or None
    return RowFilter(column=match["column"], operator=operator, value=value)


def quality_rules(texts: Iterable[str], severity: Severity) -> list[QualityRule]:
    """Rules of the form ``amount: range(0, 100)``, and ``expression(paid <= amount)`` without a column."""
    return [_quality_rule(text, severity) for text in texts]


def _quality_rule(text: str, severity: Severity) -> QualityRule:
    if text.strip().startswith("expression("):
        column, call = None, text
    else:
        column, separator, call = text.partition(":")
        if not separator or not column.strip():
            raise UsageError(f"--rule: {printable(text)!r} is not of the form COLUMN: RULE, such as 'amount: range(0, 100)'")
        column = column.strip()
    name, arguments = _call("--rule", call)
    parameters = _parameters(name, CALL.fullmatch(call), arguments)
    return QualityRule.model_validate({"column": column, "rule_type": name, "parameters": parameters, "severity": severity})


def _parameters(name: str, match: re.Match[str] | None, arguments: list[str]) -> dict[str, object]:
    whole = (match[2] or "").strip() if match else ""
    match name:
        case "range" | "length":
            return {bound: value for bound, value in zip(("min", "max"), arguments, strict=False) if value}
        case "enum":
            return {"values": arguments}
        case "pattern":
            return {"pattern": whole}
        case "expression" | "custom":
            return {"expression": whole}
        case "referential":
            table, _, column = whole.rpartition(".")
            return {"table": table, "column": column}
        case _:
            return {}


def _call(option: str, text: str) -> tuple[str, list[str]]:
    """The name and the values of ``name(value, value)``."""
    match = CALL.fullmatch(text)
    if match is None:
        raise UsageError(f"{option}: {printable(text.strip())!r} is not of the form NAME or NAME(VALUE, ...)")
    return match[1], [part.strip() for part in match[2].split(",")] if match[2] else []


def _split(calls: str) -> list[str]:
    """Part calls at the commas that stand outside of parentheses."""
    parts, depth = [""], 0
    for character in calls:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
