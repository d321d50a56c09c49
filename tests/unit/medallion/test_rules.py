import polars as pl
import pytest

from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.rules import broken_rules
from flowforge.model.validation import QualityRule
from silver_frames import contract, job, judged

FRAME = pl.DataFrame({"a": [1, None, 1, 2, None], "b": ["x", "y", None, "", "y"]}).with_row_index(POSITION).lazy()


def rule(column: str, rule_type: str, **options: str) -> QualityRule:
    return QualityRule.model_validate({"column": column, "ruleType": rule_type, **options})


def test_a_null_breaks_not_null_and_an_empty_text_does_not() -> None:
    broken, outcomes = broken_rules(FRAME, [rule("b", "not_null")], rows=5)
    assert broken.rows() == [(2, ["not_null(b)"])]
    assert outcomes[0].failed == 1


def test_every_row_of_a_repeated_value_breaks_unique_and_nulls_do_not_repeat() -> None:
    broken, _ = broken_rules(FRAME, [rule("a", "unique")], rows=5)
    assert broken.rows() == [(0, ["unique(a)"]), (2, ["unique(a)"])]


def test_a_row_has_the_labels_of_all_its_rules_in_their_order() -> None:
    broken, outcomes = broken_rules(
        FRAME, [rule("b", "unique", name="b differs"), rule("a", "unique"), rule("a", "not_null"), rule("b", "not_null")], rows=5
    )
    assert broken.rows() == [
        (0, ["unique(a)"]),
        (1, ["b differs", "not_null(a)"]),
        (2, ["unique(a)", "not_null(b)"]),
        (4, ["b differs", "not_null(a)"]),
    ]
    assert [(outcome.rule, outcome.failed) for outcome in outcomes] == [
        ("b differs", 2),
        ("unique(a)", 2),
        ("not_null(a)", 2),
        ("not_null(b)", 1),
    ]


@pytest.mark.parametrize("severity", ["warning", "info"])
def test_a_rule_that_only_warns_counts_and_sends_nothing_to_quarantine(severity: str) -> None:
    broken, outcomes = broken_rules(FRAME, [rule("b", "not_null", severity=severity)], rows=5)
    assert broken.height == 0
    assert (outcomes[0].severity, outcomes[0].failed) == (severity, 1)


def test_without_rules_nothing_is_broken() -> None:
    broken, outcomes = broken_rules(FRAME, [], rows=5)
    assert (broken.height, outcomes) == (0, ())


def test_rules_are_held_against_the_rows_that_keep_last_leaves() -> None:
    rows = [("1", "a"), ("2", "b"), ("1", "b")]
    rules = [{"column": "name", "ruleType": "unique"}]
    verdict, accepted, quarantine = judged(rows, contract(id="integer", name="text"), job(key=["id"], rules=rules))
    assert verdict.duplicates == 1
    assert accepted.height == 0
    assert quarantine["_row_number"].to_list() == [2, 3]
