"""Fields of a state: their expressions evaluated, their types and sizes checked."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowforge.local.states.clock import parse_timestamp
from flowforge.local.states.errors import DATA_LIMIT_EXCEEDED, Handling, QueryError, StateError
from flowforge.local.states.expressions import expression_of
from flowforge.local.states.jsonata import UNDEFINED, EvaluationError, UnsupportedResultError, evaluate

# 256 KiB of UTF-8: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
DATA_LIMIT_BYTES = 262_144
# All variables of an execution: https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
VARIABLES_LIMIT_BYTES = 10_485_760


def fill(template: Any, bindings: Mapping[str, Any], location: str) -> Any:
    """Evaluate every expression inside a field. Raises QueryError naming the field, also where one gives nothing."""
    source = expression_of(template)
    if source is not None:
        return _evaluate(source, bindings, location)
    if isinstance(template, dict):
        return {key: fill(item, bindings, f"{location}/{key}") for key, item in template.items()}
    if isinstance(template, list):
        return [fill(item, bindings, f"{location}[{index}]") for index, item in enumerate(template)]
    return template


def fill_boolean(template: Any, bindings: Mapping[str, Any], location: str) -> bool:
    """A field that must give true or false."""
    value = fill(template, bindings, location)
    if not isinstance(value, bool):
        raise _wrong_type(template, location, "a boolean", value)
    return value


def fill_string(template: Any, bindings: Mapping[str, Any], location: str) -> str:
    """A field that must give a string."""
    value = fill(template, bindings, location)
    if not isinstance(value, str):
        raise _wrong_type(template, location, "a string", value)
    return value


def fill_array(template: Any, bindings: Mapping[str, Any], location: str) -> list[Any]:
    """A field that must give an array."""
    value = fill(template, bindings, location)
    if not isinstance(value, list):
        raise _wrong_type(template, location, "an array", value)
    return value


def fill_integer(template: Any, bindings: Mapping[str, Any], location: str, *, minimum: int, maximum: int) -> int:
    """A field that must give a whole number within limits."""
    value = fill(template, bindings, location)
    if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
        raise _wrong_type(template, location, f"an integer from {minimum} to {maximum}", value)
    return value


def fill_timestamp(template: Any, bindings: Mapping[str, Any], location: str) -> datetime:
    """A field that must give a moment in time."""
    value = fill(template, bindings, location)
    moment = parse_timestamp(value) if isinstance(value, str) else None
    if moment is None:
        raise _wrong_type(template, location, "a timestamp", value)
    return moment


def encode(value: Any) -> str:
    """A value as the JSON text that histories and descriptions hold."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def encode_within_limit(value: Any, name: str, *, handling: Handling) -> str:
    """As ``encode``; raises States.DataLimitExceeded, in the name of a state or a task, above 256 KiB."""
    text = encode(value)
    if len(text.encode()) > DATA_LIMIT_BYTES:
        raise StateError(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit.",
            handling=handling,
        )
    return text


def variables_too_large() -> StateError:
    """States.DataLimitExceeded for all variables of an execution together."""
    cause = f"The variables of the execution exceed the maximum of {VARIABLES_LIMIT_BYTES} bytes."
    return StateError(DATA_LIMIT_EXCEEDED, cause, handling=Handling.NONE)


def _evaluate(source: str, bindings: Mapping[str, Any], location: str) -> Any:
    field = f"The JSONata expression '{source}' specified for the field '{location}'"
    try:
        value = evaluate(source, bindings)
    except UnsupportedResultError as error:
        raise QueryError(f"{field} returned an unsupported result type.", location) from error
    except EvaluationError as error:
        raise QueryError(f"{field} threw an error during evaluation. {error}", location) from error
    if value is UNDEFINED:
        raise QueryError(f"{field} returned nothing (undefined).", location)
    return value


def _wrong_type(template: Any, location: str, expected: str, value: Any) -> QueryError:
    shown = encode(value)
    shown = shown if len(shown) <= 100 else f"{shown[:100]}..."
    source = expression_of(template)
    subject = f"The JSONata expression '{source}' specified for the field" if source else "The value of the field"
    return QueryError(f"{subject} '{location}' returned an unexpected result type: {shown} is not {expected}.", location)
