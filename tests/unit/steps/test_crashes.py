"""A step that dies around any of its writes and is run again ends as one that was never disturbed."""

import itertools
import json
from typing import Any

import pytest

from flowforge.lake.lake import Lake
from flowforge.model.step import Step
from lab import JOB_ID, Lab, Run, create_bucket
from s3_faults import Crash, crashing_at

FIRST = "id,amount,day,country\n1,10,01/02/2026,de\n2,20,03/04/2026,fr\n3,x0,05/06/2026,fr\n4,40,07/08/2026,\n"
SECOND = "id,amount,day,country\n2,25,03/04/2026,fr\n5,50,09/10/2026,de\n5,55,09/10/2026,de\n1,ten,01/02/2026,de\n"
THIRD = "country,day,amount,id\nit,11/12/2026,60,6\n,07/08/2026,40,4\n"
MAPPINGS = [{"sourceColumn": "amount", "dataType": "decimal(8,2)"}]
RULES = [{"column": "country", "ruleType": "not_null", "severity": "warning"}]
GOLD = {"aggregationEnabled": True, "aggregationGroupBy": ["country"], "aggregates": {"total": "sum(amount)"}}
STEPS = (Step.BRONZE_INGEST, Step.SILVER_TRANSFORM, Step.GOLD_PUBLISH)
MAX_WRITES = 30


def prepared(lake: Lake, strategy: str, bucket: str) -> tuple[Lab, Run]:
    """A lake of its own with a finished run where the strategy merges, and a planned run over two files."""
    own = Lake(f"{lake.bucket}-{bucket}", lake.client, lake.storage_options)
    create_bucket(own)
    lab = Lab(
        own,
        job={"transformationConfig": {"columnMappings": MAPPINGS}, "validationConfig": {"dataQualityRules": RULES}},
        silver={"primaryKey": "id", "mergeStrategy": strategy},
        gold=GOLD,
    )
    if strategy == "merge":
        lab.ingest(FIRST).gold()
    return lab, lab.plan(lab.land("second.csv", SECOND), lab.land("third.csv", THIRD))


def state_of(lab: Lab) -> dict[str, Any]:
    """Every object that a reader could meet, by key; of the results what does not depend on the clock."""
    state: dict[str, Any] = {}
    for key in lab.keys_below(""):
        if key.startswith(("_attempts/", "landing/", "workflows/")) or key.endswith("plan.json"):
            continue
        stored = lab.lake.read(key)
        assert stored is not None
        state[key] = json.loads(stored[0]) if key.endswith(".json") else stored[0]
        if key.endswith(".json"):
            state[key].pop("durationSeconds", None)
    return state


@pytest.mark.parametrize("answered", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize("strategy", ["versioned", "merge"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.value)
def test_a_step_that_dies_at_any_write_and_is_run_again_leaves_what_an_undisturbed_one_leaves(
    lake: Lake, strategy: str, step: Step, answered: bool
) -> None:
    undisturbed, run = prepared(lake, strategy, "undisturbed")
    run.gold()
    expected = state_of(undisturbed)
    for number in range(1, MAX_WRITES):
        lab, run = prepared(lake, strategy, f"{number}")
        for earlier in itertools.takewhile(lambda other: other is not step, STEPS):
            run.step(earlier)
        died = False
        with crashing_at(lab.lake, number, answered=answered):
            try:
                run.step(step)
            except Crash:
                died = True
        if not died:
            break
        run.gold()
        assert state_of(lab) == expected, f"died at write {number}"
    assert number > 5
    assert not died


def test_a_step_that_dies_again_and_again_comes_through_in_the_end(lake: Lake) -> None:
    undisturbed, run = prepared(lake, "merge", "undisturbed")
    run.gold()
    lab, run = prepared(lake, "merge", "disturbed")
    for step in STEPS:
        for number in itertools.chain(range(1, 13), range(6, 0, -1)):
            with crashing_at(lab.lake, number, answered=number % 2 == 0):
                try:
                    run.step(step)
                except Crash:
                    continue
        run.step(step)
    assert state_of(lab) == state_of(undisturbed)
    assert f"runs/{run.execution_id}/{JOB_ID}/gold_publish.json" in state_of(lab)
