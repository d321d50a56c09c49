"""What an expression may refer to: checked when a state machine is created, as AWS does."""

from collections.abc import Collection, Iterator
from typing import Any

from flowforge.local.states.jsonata import EvaluationError, compile_expression

OPENING = "{%"
CLOSING = "%}"


def expression_of(value: Any) -> str | None:
    """The source of a string that is an expression: ``{%`` and ``%}`` wrap it wholly. None for anything else."""
    if isinstance(value, str) and value.startswith(OPENING) and value.endswith(CLOSING) and len(value) >= 4:
        return value[len(OPENING) : -len(CLOSING)].strip()
    return None


def expressions_in(value: Any, location: str) -> Iterator[tuple[str, str]]:
    """Every expression inside a field's value, with its location: ``Output/a/b[0]``."""
    source = expression_of(value)
    if source is not None:
        yield source, location
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from expressions_in(item, f"{location}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from expressions_in(item, f"{location}[{index}]")


def problems_of(source: str, *, reserved: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with an expression, as (code, message).

    ``reserved`` are the members of ``$states`` that exist in this field: ``result`` only beside a result,
    ``errorOutput`` only in a catcher.
    """
    try:
        tree = compile_expression(source).ast
    except EvaluationError as error:
        yield "INVALID_JSONATA_EXPRESSION", str(error)
        return
    yield from (("UNSUPPORTED_JSONATA_EXPRESSION", message) for message in _walk(tree, True, frozenset(reserved)))


def _walk(node: Any, top: bool, reserved: frozenset[str]) -> Iterator[str]:
    """Walk the library's tree. ``top`` is false where a step before gives the context, as inside a predicate."""
    if node is None:
        return
    kind = getattr(node, "type", None)
    if top and kind in ("name", "wildcard", "descendant", "parent"):
        yield f"Reference to '{node.value}' at the top level is not supported."
    elif kind == "variable" and node.value == "$":
        yield "Reference to '$$' is not supported."
    elif kind == "variable" and node.value == "" and top:
        yield "Reference to '$' at the top level is not supported."
    if kind == "path":
        yield from _walk_path(node, top, reserved)
    else:
        for child in _children(node):
            yield from _walk(child, top, reserved)
    yield from _walk_stages(node, reserved)


def _walk_path(node: Any, top: bool, reserved: frozenset[str]) -> Iterator[str]:
    first, *others = node.steps
    if first.type == "variable" and first.value == "states" and others and others[0].type == "name":
        member = others[0].value
        if member not in reserved:
            yield f"Reference to '$states.{member}' is not supported in this field."
    yield from _walk(first, top, reserved)
    for step in others:
        yield from _walk(step, False, reserved)


def _walk_stages(node: Any, reserved: frozenset[str]) -> Iterator[str]:
    for stage in [*(getattr(node, "predicate", None) or []), *(getattr(node, "stages", None) or [])]:
        yield from _walk(getattr(stage, "expr", None), False, reserved)
    for term in getattr(node, "terms", None) or []:
        yield from _walk(term.expression, False, reserved)
    group = getattr(node, "group", None)
    for pair in getattr(group, "lhs_object", None) or []:
        for part in pair:
            yield from _walk(part, False, reserved)


def _children(node: Any) -> Iterator[Any]:
    kind = getattr(node, "type", None)
    if kind == "bind":
        yield node.rhs
        return
    if kind == "lambda":
        yield node.body
        return
    if kind == "transform":
        # Pattern, update and delete all see the transformed value as their context.
        return
    for name in ("lhs", "rhs", "expression", "procedure", "condition", "then", "_else"):
        yield getattr(node, name, None)
    for name in ("expressions", "arguments"):
        yield from getattr(node, name, None) or []
    for pair in getattr(node, "lhs_object", None) or []:
        yield from pair
