"""What a run reports must add up, within each step and from layer to layer."""

from collections.abc import Callable
from typing import Any

import pytest

from flowforge.cli.results import broken_promises
from flowforge.model.step import BronzeCounts, GoldCounts, SilverCounts, Step, StepResult
from flowforge.model.workflow import Workflow, read_workflow

ResultsOf = Callable[..., dict[tuple[str, Step], StepResult]]


def silver(**changes: int) -> SilverCounts:
    counts: dict[str, Any] = {
        "read": 10,
        "accepted": 7,
        "duplicates": 1,
        "quarantined": 2,
        "inserted": 3,
        "updated": 2,
        "unchanged": 1,
        "stale": 1,
        "before": 20,
        "after": 23,
    }
    return SilverCounts(**{**counts, **changes})


def test_nothing_is_said_where_everything_adds_up(shop: Workflow, results_of: ResultsOf) -> None:
    merged = results_of("job_b", silver=silver(), gold=GoldCounts(read=23, written=1, represented=23))
    assert broken_promises(shop, {**results_of("job_a"), **merged}) == []


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"bronze": BronzeCounts(read=11, written=10)}, "bronze_ingest: read = written + malformed: 11 is not 10"),
        ({"bronze": BronzeCounts(read=9, written=9)}, "Silver read 10 rows, Bronze wrote 9"),
        ({"gold": GoldCounts(read=7, written=3, represented=6)}, "gold_publish: read = sum of the group counts"),
        ({"gold": GoldCounts(read=6, written=3, represented=6)}, "Gold read 6 rows, Silver holds 7"),
        ({"silver": silver(read=11)}, "silver_transform: read = accepted + duplicates"),
    ],
)
def test_what_does_not_add_up_is_told_with_its_numbers(
    shop: Workflow, results_of: ResultsOf, changed: dict[str, Any], line: str
) -> None:
    merged = results_of("job_b", silver=silver(), gold=GoldCounts(read=23, written=1, represented=23))
    lines = broken_promises(shop, {**results_of("job_a", **changed), **merged})
    assert any(found.startswith(f"Apples: {line}") for found in lines)
    assert not any(found.startswith("Bread") for found in lines)


def test_gold_of_a_merging_job_reads_the_whole_table(shop: Workflow, results_of: ResultsOf) -> None:
    merged = results_of("job_b", silver=silver(), gold=GoldCounts(read=7, written=1, represented=7))
    assert broken_promises(shop, {**results_of("job_a"), **merged}) == ["Bread: Gold read 7 rows, Silver holds 23"]


def test_a_step_without_a_result_is_named(shop: Workflow, results_of: ResultsOf) -> None:
    results = {**results_of("job_a"), **results_of("job_b")}
    del results["job_b", Step.SILVER_TRANSFORM]
    assert broken_promises(shop, results) == ["Bread: silver_transform left no result"]


def test_a_step_that_a_job_does_not_take_is_not_missed(results_of: ResultsOf) -> None:
    ingest = {"id": "job_a", "name": "Apples", "destinationConfig": {"goldConfig": {"enabled": False}}}
    workflow = read_workflow({"id": "wf_shop", "name": "Shop", "jobs": [ingest]}, origin="test")
    taken = {place: result for place, result in results_of("job_a").items() if place[1] is not Step.GOLD_PUBLISH}
    assert broken_promises(workflow, taken) == []
    assert broken_promises(workflow, {}) == ["Apples: bronze_ingest left no result", "Apples: silver_transform left no result"]
