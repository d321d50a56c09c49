"""The error names in the shipped state machine are those of the product's error tree, and of Lambda and Step Functions."""

import json
from collections.abc import Iterator
from typing import Any

from flowforge.model import errors
from flowforge.model.errors import FlowForgeError

SERVICE_PREFIXES = ("States.", "Lambda.", "Runtime.", "Sandbox.", "Function.", "AmazonECS.", "ECS.", "S3.")
OF_A_FUNCTION = "arn:aws:states:::lambda:invoke"
RETRIED = {"RetryLater", "CommitConflict", "CommitUnknown"}


def error_lists(value: Any, field: str) -> Iterator[list[str]]:
    """Every ErrorEquals below a Retry or a Catch."""
    if isinstance(value, dict):
        for entry in value.get(field, []):
            yield entry["ErrorEquals"]
        for item in value.values():
            yield from error_lists(item, field)
    elif isinstance(value, list):
        for item in value:
            yield from error_lists(item, field)


def own_names(shipped: str, field: str) -> set[str]:
    names = {name for names in error_lists(json.loads(shipped), field) for name in names}
    return {name for name in names if not name.startswith(SERVICE_PREFIXES)}


def leaves() -> set[str]:
    return {item.__name__ for item in vars(errors).values() if isinstance(item, type) and item.__base__ is FlowForgeError}


def test_every_name_of_ours_is_an_error_of_the_product(shipped: str) -> None:
    assert own_names(shipped, "Retry") | own_names(shipped, "Catch") <= leaves()


def test_what_can_pass_is_retried_wherever_a_function_raises_it_and_nothing_else_of_ours(shipped: str) -> None:
    for state in tasks(json.loads(shipped)):
        retried = RETRIED if state["Resource"] == OF_A_FUNCTION else set()
        for names in error_lists(state, "Retry"):
            assert {name for name in names if not name.startswith(SERVICE_PREFIXES)} == retried


def tasks(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("Type") == "Task":
            yield value
        for item in value.values():
            yield from tasks(item)


def test_no_error_derives_from_another_one_because_the_machine_matches_exact_names() -> None:
    assert all(not getattr(errors, name).__subclasses__() for name in leaves())
