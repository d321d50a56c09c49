"""Silver that looks up another table, or refuses a run, and dies on its way: each try ends as the first would have."""

import pytest

from disturbed_runs import elsewhere, land_countries, prepared_with_lookup, run_countries, state_of
from flowforge.lake.lake import Lake
from flowforge.model.errors import DataFault
from flowforge.model.step import Step
from lab import Run
from s3_faults import Crash, crashing_at, noting


def published(sent: list[tuple[str, str]], part: str) -> int:
    """The number of the write that makes a key visible."""
    return next(number for number, (name, key) in enumerate(sent, 1) if name == "CompleteMultipartUpload" and part in key)


def change_countries(run: Run) -> None:
    """Another run makes the table that is looked up anew, with every country in it."""
    lab = run.lab
    later = lab.plan(
        lab.land("other.csv", "id,amount,day,country\n"),
        others={"job_countries": (land_countries(lab, "code,name\nde,Deutschland\nfr,France\n"),)},
    )
    run_countries(later)


def test_a_step_that_dies_and_is_run_again_reads_the_other_table_as_it_was(lake: Lake) -> None:
    start = prepared_with_lookup(lake)
    undisturbed = elsewhere(start, "undisturbed")
    with noting(lake) as sent:
        undisturbed.step(Step.SILVER_TRANSFORM)
    change_countries(undisturbed)
    expected = state_of(undisturbed.lab)
    for number in (published(sent, "/reference_"), published(sent, "quarantine/")):
        run = elsewhere(start, f"{number}")
        with crashing_at(lake, number, answered=True), pytest.raises(Crash):
            run.step(Step.SILVER_TRANSFORM)
        change_countries(run)
        run.step(Step.SILVER_TRANSFORM)
        assert state_of(run.lab) == expected, f"died at write {number}, {sent[number - 1]}"


def test_a_run_that_is_refused_and_dies_is_refused_again_with_the_same_quarantine(lake: Lake) -> None:
    start = prepared_with_lookup(lake, maxErrors=0)
    undisturbed = elsewhere(start, "undisturbed")
    with noting(lake) as sent, pytest.raises(DataFault, match="maxErrors 0"):
        undisturbed.step(Step.SILVER_TRANSFORM)
    expected = state_of(undisturbed.lab)
    assert not any("silver/shop/orders/" in key or "contracts/wf_shop/job_orders" in key for key in expected)
    word = next(number for number, (_, key) in enumerate(sent, 1) if key.endswith("/refused.json"))
    for number in (published(sent, "/reference_"), published(sent, "quarantine/"), word):
        run = elsewhere(start, f"{number}")
        with crashing_at(lake, number, answered=True), pytest.raises(Crash):
            run.step(Step.SILVER_TRANSFORM)
        with pytest.raises(DataFault, match="maxErrors 0"):
            run.step(Step.SILVER_TRANSFORM)
        assert state_of(run.lab) == expected, f"died at write {number}, {sent[number - 1]}"
