"""Results of steps, made without running them."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from flowforge.model.step import (
    BronzeCounts,
    GoldCounts,
    PublishedObject,
    RuleOutcome,
    SilverCounts,
    Step,
    StepResult,
)
from flowforge.model.workflow import Workflow, read_workflow

ResultsOf = Callable[..., dict[tuple[str, Step], StepResult]]


@pytest.fixture
def shop() -> Workflow:
    """A workflow with one versioned and one merging job."""
    job = {"sourceConfig": {"type": "csv"}}
    merging = {"silverConfig": {"primaryKey": "id", "mergeStrategy": "merge"}}
    definition = {
        "id": "wf_shop",
        "name": "Shop",
        "jobs": [
            {**job, "id": "job_a", "name": "Apples"},
            {**job, "id": "job_b", "name": "Bread", "order": 2, "destinationConfig": merging},
        ],
    }
    return read_workflow(definition, origin="test")


@pytest.fixture
def results_of() -> ResultsOf:
    """Three results of one job that add up: 10 rows, one a duplicate, two in quarantine, 7 accepted."""

    def make(
        job_id: str,
        *,
        bronze: BronzeCounts | None = None,
        silver: SilverCounts | None = None,
        gold: GoldCounts | None = None,
        notes: tuple[str, ...] = (),
        rules: tuple[RuleOutcome, ...] = (),
    ) -> dict[tuple[str, Step], StepResult]:
        counts = {
            Step.BRONZE_INGEST: bronze or BronzeCounts(read=10, written=10),
            Step.SILVER_TRANSFORM: silver
            or SilverCounts(
                read=10,
                accepted=7,
                duplicates=1,
                quarantined=2,
                inserted=7,
                updated=0,
                unchanged=0,
                stale=0,
                before=0,
                after=7,
            ),
            Step.GOLD_PUBLISH: gold or GoldCounts(read=7, written=3, represented=7),
        }
        outputs = {
            Step.BRONZE_INGEST: (published("bronze", job_id, 10),),
            Step.SILVER_TRANSFORM: (published("quarantine", job_id, 2), published("silver", job_id, 7)),
            Step.GOLD_PUBLISH: (published("gold", job_id, 3),),
        }
        return {
            (job_id, step): StepResult(
                execution_id="exec_1",
                job_id=job_id,
                run_id="20260101-abcdefgh",
                step=step,
                planned_at=datetime(2026, 1, 1, tzinfo=UTC),
                counts=counts[step],
                outputs=outputs[step],
                rules=rules if step is Step.SILVER_TRANSFORM else (),
                notes=notes if step is Step.SILVER_TRANSFORM else (),
                read_bytes=123,
                duration_seconds=1.25,
            )
            for step in Step
        }

    return make


def published(role: str, job_id: str, rows: int) -> PublishedObject:
    return PublishedObject.model_validate(
        {"role": role, "key": f"{role}/{job_id}/x.parquet", "etag": '"e"', "rows": rows, "sizeBytes": 4_321}
    )
