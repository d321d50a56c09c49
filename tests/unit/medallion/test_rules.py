"""The verdict of a set of rules over a frame."""

from typing import Any

import polars as pl
import pytest

from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.expression_types import TypeMismatchError
from flowforge.medallion.rules import Rules
from flowforge.model.quality_rule import QualityRule
from flowforge.model.step import RuleOutcome
from silver_frames import contract, job, judged

FRAME = pl.DataFrame({"a": [1, None, 1, 2, None], "b": ["x", "y", None, "", "y"]}).with_row_index(POSITION).lazy()
KNOWN = pl.LazyFrame({"id": [2, 3]})


def rule(column: str | None, rule_type: str, parameters: dict[str, Any] | None = None, **options: str) -> QualityRule:
    return QualityRule.model_validate({"column": column, "ruleType": rule_type, "parameters": parameters or {}, **options})


def broken(*rules: QualityRule) -> tuple[dict[int, list[str]], tuple[RuleOutcome, ...]]:
    """The labels of the rules of severity error by position, and the outcomes; the number of broken rows agrees."""
    judge = Rules(rules, FRAME.collect_schema())
    verdict = judge.judge(FRAME, {rule.label: KNOWN for rule in rules}, rows=5)
    labels = pl.concat_list([*judge.labels(), pl.lit(None, dtype=pl.String)]).list.drop_nulls()
    found = FRAME.join(verdict.sets.lazy(), on=POSITION, how="left", maintain_order="left").select(POSITION, labels.alias("l"))
    by_position = {position: list(names) for position, names in found.collect().rows() if names}
    assert verdict.broken == len(by_position)
    return by_position, verdict.outcomes


def test_a_null_breaks_not_null_and_an_empty_text_does_not() -> None:
    assert broken(rule("b", "not_null"))[0] == {2: ["not_null(b)"]}


def test_every_row_of_a_repeated_value_breaks_unique_and_nulls_do_not_repeat() -> None:
    assert broken(rule("a", "unique"))[0] == {0: ["unique(a)"], 2: ["unique(a)"]}


def test_values_can_be_unique_together() -> None:
    assert broken(rule("a", "unique", {"columns": ["b"]}))[0] == {}


def test_a_row_has_the_labels_of_all_its_rules_in_their_order() -> None:
    labels, outcomes = broken(
        rule("b", "unique", name="b differs"), rule("a", "unique"), rule("a", "not_null"), rule("b", "not_null")
    )
    assert labels == {
        0: ["unique(a)"],
        1: ["b differs", "not_null(a)"],
        2: ["unique(a)", "not_null(b)"],
        4: ["b differs", "not_null(a)"],
    }
    assert [(outcome.rule, outcome.failed, outcome.checked) for outcome in outcomes] == [
        ("b differs", 2, 4),
        ("unique(a)", 2, 3),
        ("not_null(a)", 2, 5),
        ("not_null(b)", 1, 5),
    ]


@pytest.mark.parametrize("severity", ["warning", "info"])
@pytest.mark.parametrize("rule_type", ["not_null", "unique"])
def test_a_rule_that_only_warns_counts_and_sends_nothing_to_quarantine(severity: str, rule_type: str) -> None:
    labels, outcomes = broken(rule("b", rule_type, severity=severity))
    assert labels == {}
    assert (outcomes[0].severity, outcomes[0].failed) == (severity, 1 if rule_type == "not_null" else 2)


def test_without_rules_nothing_is_broken() -> None:
    assert broken() == ({}, ())


@pytest.mark.parametrize(
    ("wanted", "failing"),
    [
        (rule("a", "range", {"min": 1, "max": 1}), [3]),
        (rule("a", "range", {"min": "1.5"}), [0, 2]),
        (rule("b", "length", {"min": 1}), [3]),
        (rule("b", "length", {"max": 0}), [0, 1, 4]),
        (rule("b", "pattern", {"pattern": "^[xy]$"}), [3]),
        (rule("b", "enum", {"values": ["x", ""]}), [1, 4]),
        (rule("b", "enum", {"allowed_values": ["x", "y"]}), [3]),
        (rule("a", "enum", {"values": ["1"]}), [3]),
        (rule("a", "referential", {"table": "other", "column": "id"}), [0, 2]),
        (rule(None, "expression", {"expression": "a < 2 or b = 'y'"}), [3]),
        (rule("a", "custom", {"expression": "a <> 1"}), [0, 2]),
    ],
    ids=lambda value: value.label if isinstance(value, QualityRule) else "",
)
def test_null_is_neither_right_nor_wrong_unless_the_rule_says(wanted: QualityRule, failing: list[int]) -> None:
    undecided = [2] if wanted.columns == ("b",) else [1, 4] if wanted.columns == ("a",) else []
    silent, outcomes = broken(wanted)
    assert list(silent) == failing
    assert outcomes[0].checked == 5 - len(undecided)
    passing, outcomes = broken(wanted.model_copy(update={"null_is": "pass"}))
    assert (list(passing), outcomes[0].checked) == (failing, 5)
    strict, outcomes = broken(wanted.model_copy(update={"null_is": "fail"}))
    assert (list(strict), outcomes[0].failed) == (sorted([*failing, *undecided]), len(failing) + len(undecided))


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (rule("b", "range", {"min": 1}), r"rule range\(b\): range takes a number or a date, and the column is a text"),
        (rule("a", "pattern", {"pattern": "1"}), r"pattern takes a text, and this is a number"),
        (rule("a", "enum", {"values": ["x"]}), r"'x' is no number"),
        (rule("b", "pattern", {"pattern": "(a{999}){999}"}), r"is no regular expression"),
        (rule(None, "expression", {"expression": "a + 1"}), r"a condition takes a boolean, and this is a number"),
        (rule("b", "referential", {"table": "other", "column": "id"}), r"b is String, and id of the other table Int64"),
    ],
)
def test_a_rule_that_does_not_fit_its_column_is_refused_with_its_name(wanted: QualityRule, problem: str) -> None:
    with pytest.raises(TypeMismatchError, match=problem):
        broken(wanted)


def test_rules_are_held_against_the_rows_that_keep_last_leaves() -> None:
    rows = [("1", "a"), ("2", "b"), ("1", "b")]
    rules = [{"column": "name", "ruleType": "unique"}]
    verdict, accepted, quarantine = judged(rows, contract(id="integer", name="text"), job(key=["id"], rules=rules))
    assert verdict.duplicates == 1
    assert accepted.height == 0
    assert quarantine["_row_number"].to_list() == [2, 3]
