import pytest
from pydantic import ValidationError

from flowforge.model.step import BronzeCounts, GoldCounts, SilverCounts, StepRequest

HELD = {
    "read": 10,
    "accepted": 6,
    "duplicates": 3,
    "quarantined": 1,
    "inserted": 2,
    "updated": 1,
    "unchanged": 1,
    "stale": 2,
    "before": 5,
    "after": 7,
}


def test_bronze_counts_hold_where_every_record_is_written() -> None:
    assert BronzeCounts(read=3, written=3).broken_equations() == []
    assert BronzeCounts(read=3, written=2, malformed=1).broken_equations() == []


def test_a_lost_record_breaks_the_equation_of_bronze_and_is_told_with_its_numbers() -> None:
    assert BronzeCounts(read=3, written=2).broken_equations() == ["read = written + malformed: 3 is not 2"]


def test_silver_counts_hold_where_every_row_has_an_end() -> None:
    assert SilverCounts(**HELD).broken_equations() == []


@pytest.mark.parametrize("field", sorted(HELD))
def test_a_silver_count_that_is_off_by_one_breaks_an_equation(field: str) -> None:
    assert SilverCounts(**(HELD | {field: HELD[field] + 1})).broken_equations()


def test_gold_counts_hold_where_the_groups_sum_to_the_rows_read() -> None:
    assert GoldCounts(read=5, written=2, represented=5).broken_equations() == []
    assert GoldCounts(read=5, written=2, represented=4).broken_equations() == ["read = sum of the group counts: 5 is not 4"]


@pytest.mark.parametrize(
    "change",
    [{"schemaVersion": 2}, {"schemaVersion": None}, {"step": "copper"}, {"jobId": "a/b"}, {"plannedAt": "2026-01-01T00:00:00Z"}],
)
def test_a_step_request_holds_exactly_ids_and_a_pointer(change: dict[str, object]) -> None:
    payload = {"schemaVersion": 1, "executionId": "e", "jobId": "j", "step": "bronze_ingest", "planKey": "runs/e/plan.json"}
    assert StepRequest.model_validate(payload).job_id == "j"
    with pytest.raises(ValidationError):
        StepRequest.model_validate(payload | change)
