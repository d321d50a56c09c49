"""Layers are compared before Gold is published: where they disagree, nothing is."""

import json
from typing import Any

import pytest

from flowforge.lake import keys
from flowforge.model.errors import DataFault
from flowforge.model.reconciliation import ReconciliationRecord
from flowforge.model.step import StepResult
from lab import JOB_ID, Lab, Run

SALES = "order id,country,amount,day\n1,de,1.10,01/02/2026\n2,fr,2.20,23/02/2026\n3,,3.30,13/03/2026\n"
REPEATED = SALES + "3,,3.40,13/03/2026\n"
MAPPINGS = [
    {"sourceColumn": "order id", "targetColumn": "id"},
    {"sourceColumn": "amount", "dataType": "decimal(8,2)"},
]
TOTALS = {"aggregationEnabled": True, "aggregationGroupBy": ["country"], "aggregates": {"total": "sum(amount)"}}


def with_rules(lab: Lab, *rules: dict[str, Any], gold: dict[str, Any] | None = None) -> None:
    lab.silver, lab.gold = {"primaryKey": "id"}, gold or {}
    lab.job = {
        "transformationConfig": {"columnMappings": MAPPINGS},
        "validationConfig": {"reconciliationRules": [{"name": f"rule {number}", **rule} for number, rule in enumerate(rules, 1)]},
    }


def told(result: StepResult) -> list[tuple[str, str, str, bool]]:
    return [(item.rule, item.left.value, item.right.value, item.passed) for item in result.reconciliation]


def record_of(lab: Lab, run: Run) -> ReconciliationRecord:
    stored = lab.lake.read(keys.reconciliation_key(run.execution_id, JOB_ID))
    assert stored is not None
    return ReconciliationRecord.model_validate_json(stored[0])


def test_every_layer_is_compared_by_count_sum_and_hash_and_the_terms_are_kept(lab: Lab) -> None:
    every = ["id", "country", "amount", "day"]
    with_rules(
        lab,
        {"sourceLayer": "source", "targetLayer": "bronze"},
        {"sourceLayer": "source"},
        {"reconciliationColumn": "amount"},
        {"check": "hash", "reconciliationColumn": every},
        {"check": "hash", "reconciliationColumn": every, "sourceLayer": "silver"},
    )
    run = lab.ingest(SALES)
    result = run.gold()
    assert told(result)[:3] == [("rule 1", "3", "3", True), ("rule 2", "3", "3", True), ("rule 3", "6.6", "6.6", True)]
    assert [passed for *_, passed in told(result)] == [True] * 5
    assert record_of(lab, run).outcomes == result.reconciliation
    stored = lab.lake.read(f"runs/{run.execution_id}/{JOB_ID}/gold_publish.json")
    assert stored is not None
    assert json.loads(stored[0])["reconciliation"][2]["left"] == {
        "jobId": JOB_ID,
        "layer": "bronze",
        "columns": ["amount"],
        "value": "6.6",
    }


def test_rows_of_an_aggregation_count_what_they_stand_for_and_its_sums_are_named(lab: Lab) -> None:
    with_rules(lab, {}, {"reconciliationColumn": "amount", "targetColumn": "total"}, gold=TOTALS)
    assert told(lab.ingest(SALES).gold()) == [("rule 1", "3", "3", True), ("rule 2", "6.6", "6.6", True)]


def test_a_rule_that_fails_names_both_figures_and_nothing_is_published(lab: Lab) -> None:
    with_rules(lab, {}, {"check": "sum", "reconciliationColumn": "amount", "tolerance": "1%"})
    run = lab.ingest(REPEATED)
    with pytest.raises(DataFault) as caught:
        run.gold()
    message = str(caught.value)
    assert "rule 1 (count): bronze of job_orders: 4, gold of job_orders: 3 (difference 1, tolerance 0)" in message
    assert "rule 2 (sum): bronze of job_orders: 10, gold of job_orders: 6.7 (difference 3.3, tolerance 1%)" in message
    assert lab.keys_below("gold/") == []
    assert lab.lake.read(f"runs/{run.execution_id}/{JOB_ID}/gold_publish.json") is None
    assert [outcome.passed for outcome in record_of(lab, run).outcomes] == [False, False]


def test_a_tolerance_lets_a_difference_through(lab: Lab) -> None:
    with_rules(lab, {"tolerance": "25%"}, {"tolerance": 1})
    outcomes = lab.ingest(REPEATED).gold().reconciliation
    assert [(item.difference, item.tolerance, item.passed) for item in outcomes] == [("1", "25%", True), ("1", "1", True)]


def test_bronze_that_was_replaced_is_not_compared(lab: Lab) -> None:
    with_rules(lab, {"reconciliationColumn": "amount"})
    run = lab.ingest(SALES)
    run.silver()
    lab.lake.overwrite(run.bronze().outputs[0].key, "other")
    with pytest.raises(DataFault, match="was replaced or removed after it was published"):
        run.gold()
