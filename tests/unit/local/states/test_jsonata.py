"""Expressions as Step Functions evaluates them."""

from typing import Any

import pytest

from flowforge.local.states.jsonata import UNDEFINED, EvaluationError, UnsupportedResultError, evaluate

INPUT = {"bar": None, "items": [1, 2, 3], "empty": [], "groups": [[{"jobId": "a"}]], "one": [7]}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$states.input.bar", None),
        ("$exists($states.input.bar)", True),
        ("$exists($states.input.absent)", False),
        ("$type($states.input.bar)", "null"),
        ("$states.input.empty", []),
        ("$states.input.one", [7]),
        ("[$states.input.groups[0]]", [{"jobId": "a"}]),
        ("$states.input.items[$ > 1]", [2, 3]),
        ("$states.input.items[$ > 2]", 3),
        ("{'a': $states.input.bar, 'b': $states.input.absent}", {"a": None}),
        ("[null, 1]", [None, 1]),
        ("5.5 % 2", 1.5),
        ("7 % 2.5", 2),
        ("-7 % 3", -1),
        ("2 * 3.0", 6),
        ("$string(1.0)", "1"),
        ("[1..3]", [1, 2, 3]),
    ],
)
def test_an_expression_gives_what_aws_gives(source: str, expected: Any) -> None:
    assert evaluate(source, {"states": {"input": INPUT}}) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$partition([1, 2, 3, 4, 5], 2)", [[1, 2], [3, 4], [5]]),
        ("$partition([1, 2, 3], 2.9)", [[1, 2], [3]]),
        ("$range(0, 10, 5)", [0, 5, 10]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$range(-1.7, 1, 1)", [-1, 0, 1]),
        ("$range(2, 2, 1)", 2),
        ("$hash('a', 'SHA-1')", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("$random(7) = $random(7)", True),
        ("$random() < 1", True),
        ("$length($uuid())", 36),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$parse('null')", None),
    ],
)
def test_the_functions_that_step_functions_adds_work(source: str, expected: Any) -> None:
    assert evaluate(source, {}) == expected


@pytest.mark.parametrize(
    "source",
    ["$absent", "$states.input.absent", "$partition([1], 0)", "$partition([], 2)", "$range(1, 5)", "$range(1, 5, -1)"],
)
def test_nothing_is_something_else_than_null(source: str) -> None:
    assert evaluate(source, {"states": {"input": INPUT}}) is UNDEFINED


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("$eval('1')", "non-function"),
        ("'a' + 1", "must evaluate to a number"),
        ("$number('x')", "x"),
        ("1 / 0", "out of range"),
        ("$hash('a', 'sha1')", "sha1"),
        ("$parse('{')", "Expecting"),
        ("$range(1, 400000, 1)", "memory limit"),
        ("($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(1000))", "Stack overflow"),
    ],
)
def test_a_failing_expression_says_why(source: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        evaluate(source, {})


@pytest.mark.parametrize("source", ["$sum", "function($x) { $x }", "/a/"])
def test_a_result_that_json_cannot_hold_is_refused(source: str) -> None:
    with pytest.raises(UnsupportedResultError):
        evaluate(source, {})


def test_an_endless_expression_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowforge.local.states.jsonata.TIMEOUT_MILLISECONDS", 100)
    with pytest.raises(EvaluationError, match="timeout"):
        evaluate("($f := function($n) { $f($n) }; $f(1))", {})


def test_a_compiled_expression_keeps_its_time_and_depth_for_every_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**9, 4000))
    monkeypatch.setattr("jsonata.timebox.Timebox.current_milli_time", staticmethod(lambda: next(clock)))
    monkeypatch.setattr("flowforge.local.states.jsonata.TIMEOUT_MILLISECONDS", 10**7)
    assert [evaluate("1 + 1", {}) for _ in range(5)] == [2] * 5


def test_a_variable_that_is_null_can_be_read() -> None:
    assert evaluate("$x", {"x": None}) is None
