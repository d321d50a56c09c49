"""A step that dies around any of its writes to the catalog, or meets another run there, leaves what it ought to."""

import pytest

from catalogs import catalog_state, rows_in_catalog
from disturbed_runs import elsewhere, prepared
from flowforge.lake.lake import Lake
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import Step
from lab import Lab
from s3_faults import Crash, crashing_at_catalog_write, just_before_catalog_write, noting_catalog

# The first Gold of a table creates its database, the table, its day and its view, and changes the table.
STEP, STRATEGY = Step.GOLD_PUBLISH, MergeStrategy.VERSIONED


def test_a_step_that_dies_at_any_write_to_the_catalog_and_is_run_again_completes_it(catalogued: Lake) -> None:
    start = prepared(catalogued, STRATEGY, STEP)
    undisturbed = elsewhere(start, "undisturbed")
    with noting_catalog(catalogued) as sent:
        undisturbed.step(STEP)
    expected = catalog_state(undisturbed.lab.lake)
    assert sent, "the step writes to the catalog"
    for number, answered in [*((number, False) for number in range(1, len(sent) + 1)), (len(sent), True)]:
        run = elsewhere(start, f"{number}-{answered}".lower())
        with crashing_at_catalog_write(catalogued, number, answered=answered), pytest.raises(Crash):
            run.step(STEP)
        run.step(STEP)
        assert catalog_state(run.lab.lake) == expected, f"died at write {number}, {sent[number - 1]}"


def test_of_two_runs_that_publish_at_once_the_catalog_shows_what_both_left(catalogued: Lake) -> None:
    lab = Lab(catalogued, silver={"primaryKey": "id", "mergeStrategy": "merge"})
    lab.ingest("id\n1\n", hours=1).gold()
    early, late = lab.ingest("id\n2\n", name="a.csv", hours=2), lab.ingest("id\n3\n4\n", name="b.csv", hours=3)
    early.silver()
    late.silver()
    with just_before_catalog_write(catalogued, "UpdateTable", lambda: late.step(Step.GOLD_PUBLISH)):
        early.step(Step.GOLD_PUBLISH)
    rows = rows_in_catalog(catalogued)
    assert rows["gold.shop_orders_latest"] == 4
    assert rows["gold.shop_orders"] == 1 + 4 + 4
