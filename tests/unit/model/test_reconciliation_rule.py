"""Rules that compare layers: what they mean, and which make no sense."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from flowforge.model.errors import ConfigFault
from flowforge.model.layer import Layer
from flowforge.model.reconciliation import Check, ReconciliationRule, Tolerance
from flowforge.model.workflow import read_workflow


def rule(**fields: Any) -> ReconciliationRule:
    return ReconciliationRule.model_validate({"name": "r", **fields})


def test_without_a_column_rows_are_counted_and_with_one_it_is_summed() -> None:
    assert (rule().figure, rule().source_layer, rule().target_layer) == (Check.COUNT, Layer.BRONZE, Layer.GOLD)
    assert rule(reconciliationColumn="amount").figure is Check.SUM
    assert rule(reconciliationColumn=["a", "b"], check="hash").columns_of_target == ("a", "b")
    assert rule(reconciliationColumn="amount", targetColumn="total").columns_of_target == ("total",)


@pytest.mark.parametrize(
    ("tolerance", "left", "right", "near"),
    [
        (0, "10", "10", True),
        (0, "10", "10.01", False),
        (0.01, "10", "10.01", True),
        ("1%", "200", "198", True),
        ("1%", "200", "197.99", False),
        ("1%", "-200", "-202", True),
        ("5%", "0", "0", True),
        ("5%", "0", "0.0001", False),
        ("5", "0", "-5", True),
    ],
)
def test_a_tolerance_is_a_figure_or_per_cent_of_the_source(tolerance: Any, left: str, right: str, near: bool) -> None:
    assert Tolerance(rule(tolerance=tolerance).tolerance).admits(Decimal(left), Decimal(right)) is near


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"check": "count", "reconciliationColumn": "a"}, "count counts rows"),
        ({"check": "sum"}, "sum needs one reconciliationColumn"),
        ({"check": "sum", "reconciliationColumn": ["a", "b"]}, "sum needs one reconciliationColumn"),
        ({"check": "hash"}, "hash needs its columns"),
        ({"check": "hash", "reconciliationColumn": ["a", "b"], "targetColumn": "a"}, "as many in targetColumn"),
        ({"check": "hash", "reconciliationColumn": "a", "tolerance": 1}, "a tolerance says nothing"),
        ({"reconciliationColumn": "a", "sourceLayer": "source"}, "counted and not read"),
        ({"sourceLayer": "gold"}, "compares gold with itself"),
        ({"tolerance": "-1"}, "no tolerance"),
        ({"tolerance": "some"}, "no tolerance"),
        ({"tolerance": "nan"}, "no tolerance"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        rule(**fields)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"sourceJob": "job_a", "targetJob": "job_a"}, "compares two other jobs"),
        ({"sourceJob": "job_x"}, "the workflow has no bronze of job_x"),
        ({"sourceJob": "job_ingest", "sourceLayer": "gold"}, "the workflow has no gold of job_ingest"),
        ({"sourceJob": "job_late"}, "job_late has to run before"),
    ],
)
def test_a_rule_gates_the_job_that_states_it_and_reads_jobs_before_it(fields: dict[str, Any], told: str) -> None:
    jobs = [
        {"id": "job_a", "name": "A"},
        {"id": "job_b", "name": "B", "order": 2, "validationConfig": {"reconciliationRules": [{"name": "r", **fields}]}},
        {"id": "job_ingest", "name": "Ingest", "destinationConfig": {"goldConfig": {"enabled": False}}},
        {"id": "job_late", "name": "Late", "order": 2},
    ]
    with pytest.raises(ConfigFault, match=told):
        read_workflow({"id": "wf", "name": "W", "jobs": jobs}, origin="w.yaml")
