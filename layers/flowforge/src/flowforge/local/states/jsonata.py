"""JSONata as Step Functions evaluates it, on jsonata-python."""

import functools
import math
import re
import threading
from collections.abc import Mapping
from typing import Any, Final

from jsonata import JException, Jsonata
from jsonata.utils import Utils

from flowforge.local.states.jsonata_functions import CHANGED_FUNCTIONS

TIMEOUT_MILLISECONDS = 5000
DEPTH = 100
_CACHED_EXPRESSIONS = 1000
_KINDS = {"n": "numbers", "s": "strings", "b": "booleans"}


class _Undefined:
    """The value of an expression that gives nothing, which is something else than null."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = _Undefined()


class EvaluationError(Exception):
    """An expression failed; the message is the library's."""


class UnsupportedResultError(EvaluationError):
    """An expression gave something that JSON cannot hold, a function for instance."""


class _Evaluator(Jsonata):  # type: ignore[misc]
    """The library's evaluator without its integer ``%``, and with the numbers that JSONata has and JSON has not."""

    def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: str | None) -> Any:
        if op in ("%", "/") and Utils.is_numeric(lhs) and Utils.is_numeric(rhs):
            if rhs == 0:
                return math.nan if op == "%" or lhs == 0 else math.copysign(math.inf, lhs)
            if op == "%":
                return Utils.convert_number(math.fmod(float(lhs), float(rhs)))
        return super().evaluate_numeric_expression(lhs, rhs, op)


def compile_expression(source: str) -> Jsonata:
    """Compile an expression, or take it from this thread's cache. Raises EvaluationError for a syntax error."""
    return _compile(source, threading.get_ident())


def evaluate(source: str, bindings: Mapping[str, Any]) -> Any:
    """Evaluate an expression with ``bindings`` as its variables; UNDEFINED where it gives nothing.

    Raises EvaluationError where it fails, takes too long or nests too deep, and UnsupportedResultError for a function.
    """
    expression = compile_expression(source)
    # The library keeps "the evaluator of this thread" aside, and takes $now() and nested evaluations from there.
    Jsonata.CURRENT.jsonata = expression
    # Its clock and depth would otherwise count from the moment of compilation, and stay where a failure left them.
    expression.environment.set_runtime_bounds(TIMEOUT_MILLISECONDS, DEPTH * 3)
    values = {name: Utils.NULL_VALUE if value is None else value for name, value in bindings.items()}
    try:
        result = expression.evaluate(None, values)
    except EvaluationError:
        raise
    except RecursionError as error:
        raise EvaluationError("Stack overflow error: the expression nests too deep") from error
    except JException as error:
        raise EvaluationError(f"{error.error}: {_readable(str(error))}") from error
    except Exception as error:
        # Besides its own exception, the library raises KeyError, ValueError and others for wrong input.
        raise EvaluationError(str(error)) from error
    if isinstance(result, float) and not math.isfinite(result):
        raise EvaluationError(f"D1001: Number out of range: {_not_finite(result)}")
    return UNDEFINED if result is None else _plain(result)


@functools.lru_cache(maxsize=_CACHED_EXPRESSIONS)
def _compile(source: str, thread: int) -> Jsonata:  # noqa: ARG001 -- an evaluator carries state, so each thread has its own
    try:
        expression = _Evaluator(source, timeout=TIMEOUT_MILLISECONDS, stack=DEPTH * 3)
    except Exception as error:
        raise EvaluationError(str(error)) from error
    expression.set_output_convert_nulls(False)
    for name, function in CHANGED_FUNCTIONS.items():
        expression.register_lambda(name, function)
    return expression


def _readable(message: str) -> str:
    """The library's message in JSONata's own words, where the library lost them."""
    message = re.sub(r"\bof Object (\w+)", r'of function "\1"', message)
    message = message.replace("match Object signature", "match function signature").replace(": inf", ": Infinity")
    return re.sub(r"\ban array of (\w)$", lambda found: f'an array of "{_KINDS.get(found[1], found[1])}"', message)


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _plain(value: Any) -> Any:
    """Copy a result into plain JSON values, so that nothing of the library's own kinds leaves this module."""
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            # Inside an array or object, AWS gives its name.
            return _not_finite(value)
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Utils.RangeList):
        return list(range(value.a, value.b + 1))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise UnsupportedResultError(type(value).__name__)
