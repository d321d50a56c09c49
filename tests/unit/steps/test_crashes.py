"""A step that dies around any of its writes and is run again ends as one that was never disturbed."""

import contextlib
import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from flowforge.lake.lake import Lake
from flowforge.model.step import Step
from lab import JOB_ID, Lab, Run, cloned
from s3_faults import Crash, crashing_at, noting

FIRST = "id,amount,day,country\n1,10,01/02/2026,de\n2,20,03/04/2026,fr\n3,x0,05/06/2026,fr\n4,40,07/08/2026,\n"
SECOND = "id,amount,day,country\n2,25,03/04/2026,fr\n5,50,09/10/2026,de\n5,55,09/10/2026,de\n1,ten,01/02/2026,de\n"
THIRD = "country,day,amount,id\nit,11/12/2026,60,6\n,07/08/2026,40,4\n"
MAPPINGS = [{"sourceColumn": "amount", "dataType": "decimal(8,2)"}]
RULES = [{"column": "country", "ruleType": "not_null", "severity": "warning"}]
GOLD = {"aggregationEnabled": True, "aggregationGroupBy": ["country"], "aggregates": {"total": "sum(amount)"}}
STEPS = (Step.BRONZE_INGEST, Step.SILVER_TRANSFORM, Step.GOLD_PUBLISH)


def prepared(lake: Lake, strategy: str, step: Step) -> Run:
    """A finished run where the strategy merges, and a planned run that has come to the step."""
    lab = Lab(
        lake,
        job={"transformationConfig": {"columnMappings": MAPPINGS}, "validationConfig": {"dataQualityRules": RULES}},
        silver={"primaryKey": "id", "mergeStrategy": strategy},
        gold=GOLD,
    )
    if strategy == "merge":
        lab.ingest(FIRST).silver()
    run = lab.plan(lab.land("second.csv", SECOND), lab.land("third.csv", THIRD))
    for earlier in itertools.takewhile(lambda other: other is not step, STEPS):
        run.step(earlier)
    return run


def elsewhere(run: Run, name: str) -> Run:
    """The same run over a copy of its lake."""
    return replace(run, lab=replace(run.lab, lake=cloned(run.lab.lake, name)))


def state_of(lab: Lab) -> dict[str, Any]:
    """Every object that a reader could meet: a table's bytes by their ETag, a document less what depends on the clock."""
    state: dict[str, Any] = {}
    for item in lab.lake.list_objects(""):
        if item.key.startswith(("_attempts/", "landing/", "workflows/")) or item.key.endswith("plan.json"):
            continue
        state[item.key] = item.etag
        if item.key.endswith(".json"):
            stored = lab.lake.read(item.key)
            assert stored is not None
            state[item.key] = {name: value for name, value in json.loads(stored[0]).items() if name != "durationSeconds"}
    return state


@pytest.mark.parametrize(
    ("step", "strategy", "writes"),
    [
        (Step.BRONZE_INGEST, "versioned", 9),
        (Step.SILVER_TRANSFORM, "versioned", 11),
        (Step.SILVER_TRANSFORM, "merge", 12),
        (Step.GOLD_PUBLISH, "versioned", 7),
        (Step.GOLD_PUBLISH, "merge", 7),
    ],
)
def test_a_step_that_dies_at_any_write_and_is_run_again_leaves_what_an_undisturbed_one_leaves(
    lake: Lake, step: Step, strategy: str, writes: int
) -> None:
    start = prepared(lake, strategy, step)
    undisturbed = elsewhere(start, "undisturbed")
    with noting(lake) as sent:
        undisturbed.step(step)
    expected = state_of(undisturbed.lab)
    assert len(sent) == writes
    # Dying before a write is the same as dying after the one before it: nothing else that anyone reads is written.
    for number in range(1, writes + 1):
        run = elsewhere(start, str(number))
        with crashing_at(lake, number, answered=False), pytest.raises(Crash):
            run.step(step)
        run.step(step)
        assert state_of(run.lab) == expected, f"died at write {number}, {sent[number - 1]}"


def test_a_step_that_dies_again_and_again_comes_through_in_the_end(lake: Lake) -> None:
    run = prepared(lake, "merge", Step.BRONZE_INGEST)
    undisturbed = elsewhere(run, "undisturbed")
    undisturbed.gold()
    for step in STEPS:
        for number in (2, 4, 7, 5, 11):
            with crashing_at(lake, number, answered=number % 2 == 0), contextlib.suppress(Crash):
                run.step(step)
        run.step(step)
    assert state_of(run.lab) == state_of(undisturbed.lab)
    assert f"runs/{run.execution_id}/{JOB_ID}/gold_publish.json" in state_of(run.lab)
