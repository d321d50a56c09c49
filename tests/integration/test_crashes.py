"""A step that dies around any of its writes and is run again ends as one that was never disturbed."""

import contextlib
from collections.abc import Callable

import pytest

from disturbed_runs import STEPS, elsewhere, prepared, prepared_rebuild, prepared_replay, state_of
from flowforge.lake.lake import Lake
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import Step
from lab import JOB_ID, Run
from s3_faults import WRITES, Crash, crashing_at, noting

SEEN_BY_READERS = frozenset({"PutObject", "CompleteMultipartUpload", "DeleteObjects"})
# Bronze does not ask for the strategy, and Gold reads a history as it reads every table of one object.
MATRIX = [
    (Step.BRONZE_INGEST, MergeStrategy.VERSIONED),
    *((Step.SILVER_TRANSFORM, strategy) for strategy in MergeStrategy),
    *((Step.GOLD_PUBLISH, strategy) for strategy in MergeStrategy if strategy is not MergeStrategy.SCD_TYPE_2),
]


@pytest.mark.parametrize(("step", "strategy"), MATRIX)
def test_a_step_that_dies_at_any_write_and_is_run_again_leaves_what_an_undisturbed_one_leaves(
    lake: Lake, step: Step, strategy: MergeStrategy
) -> None:
    hold_to_deaths(lake, prepared(lake, strategy, step), step)


@pytest.mark.parametrize("begin", [prepared_rebuild, prepared_replay])
def test_a_rebuild_and_a_replay_survive_a_death_at_any_write_of_silver(lake: Lake, begin: Callable[[Lake], Run]) -> None:
    hold_to_deaths(lake, begin(lake), Step.SILVER_TRANSFORM, operations=SEEN_BY_READERS)


def hold_to_deaths(lake: Lake, start: Run, step: Step, *, operations: frozenset[str] = WRITES) -> None:
    """Let a step die at each of its writes, and compare what its second try leaves with what an undisturbed one does."""
    undisturbed = elsewhere(start, "undisturbed")
    with noting(lake) as sent:
        undisturbed.step(step)
    expected = state_of(undisturbed.lab)
    assert sent[-1][0] == "DeleteObjects", "the last thing a step does is to clear up"
    # Dying before a write is the same as dying after the one before it: nothing else that anyone reads is written.
    ends = [(number, False) for number, (name, _) in enumerate(sent, start=1) if name in operations] + [(len(sent), True)]
    for number, answered in ends:
        run = elsewhere(start, f"{number}-{answered}".lower())
        with crashing_at(lake, number, answered=answered), pytest.raises(Crash):
            run.step(step)
        run.step(step)
        assert state_of(run.lab) == expected, f"died at write {number}, {sent[number - 1]}"


@pytest.mark.parametrize("strategy", [MergeStrategy.MERGE, MergeStrategy.APPEND])
def test_a_step_that_dies_again_and_again_comes_through_in_the_end(lake: Lake, strategy: MergeStrategy) -> None:
    run = prepared(lake, strategy, Step.BRONZE_INGEST)
    undisturbed = elsewhere(run, "undisturbed")
    undisturbed.gold()
    for step in STEPS:
        for number in (2, 4, 7, 5, 11):
            with crashing_at(lake, number, answered=number % 2 == 0), contextlib.suppress(Crash):
                run.step(step)
        run.step(step)
    assert state_of(run.lab) == state_of(undisturbed.lab)
    assert f"runs/{run.execution_id}/{JOB_ID}/gold_publish.json" in state_of(run.lab)
