"""Merges against a dictionary: per key the row of the latest run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.merge import MergeOutcome, merged, weigh
from flowforge.model.errors import DataFault

SCHEMA = {
    "a": pl.String(),
    "b": pl.Int64(),
    "value": pl.String(),
    "_ingested_at": pl.Datetime("us", "UTC"),
    "_run_id": pl.String(),
    "_row_number": pl.Int64(),
}
Row = tuple[str, int, str | None, datetime, str, int]
DAWN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """The unique rows of a run."""

    hour: int
    run_id: str
    cells: dict[tuple[str, int], str | None]

    @property
    def rows(self) -> list[Row]:
        """The rows as a step would write them."""
        at = DAWN + timedelta(hours=self.hour)
        return [(a, b, value, at, self.run_id, number) for number, ((a, b), value) in enumerate(self.cells.items())]


RUNS = st.lists(
    st.builds(
        Run,
        hour=st.integers(0, 2),
        run_id=st.sampled_from(["r1", "r2", "r3"]),
        cells=st.dictionaries(
            st.tuples(st.sampled_from(["x", "y", ""]), st.integers(0, 3)), st.sampled_from([None, "", "v", "w"]), max_size=10
        ),
    ),
    max_size=5,
    unique_by=lambda run: (run.hour, run.run_id),
)


def frame_of(rows: Sequence[Row]) -> pl.LazyFrame:
    return pl.DataFrame([list(row) for row in rows], schema=SCHEMA, orient="row").with_row_index(POSITION).lazy()


def merge(table: Sequence[Row], run: Sequence[Row], *, max_keys: int = 1000) -> tuple[list[Row], MergeOutcome]:
    left, right = frame_of(table), frame_of(run)
    outcome = weigh(left, right, ["a", "b"], ["a", "b", "value"], rows=len(run), max_keys=max_keys)
    return merged(left, right, outcome).collect().rows(), outcome


def reference(runs: Sequence[Run]) -> set[Row]:
    """Per key the row with the latest (_ingested_at, _run_id)."""
    latest: dict[tuple[str, int], Row] = {}
    for run in runs:
        for row in run.rows:
            held = latest.get(row[:2])
            if held is None or row[3:] >= held[3:]:
                latest[row[:2]] = row
    return set(latest.values())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(runs=RUNS, order=st.randoms(use_true_random=False), max_keys=st.integers(1, 12))
def test_runs_in_any_order_and_repeated_leave_the_latest_row_of_each_key(runs: list[Run], order: object, max_keys: int) -> None:
    shuffled = [*runs, *runs[:2]]
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    table: list[Row] = []
    for run in shuffled:
        table, _ = merge(table, run.rows, max_keys=max_keys)
    assert len(table) == len(set(table))
    assert set(table) == reference(runs)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(runs=RUNS.filter(lambda runs: len(runs) >= 2), max_keys=st.integers(1, 12))
def test_every_row_of_a_run_is_counted_once(runs: list[Run], max_keys: int) -> None:
    table: list[Row] = []
    for run in runs[:-1]:
        table, _ = merge(table, run.rows)
    held = {row[:2]: row for row in table}
    after, outcome = merge(table, runs[-1].rows, max_keys=max_keys)
    expected = {"inserted": 0, "updated": 0, "unchanged": 0, "stale": 0}
    for row in runs[-1].rows:
        old = held.get(row[:2])
        if old is None:
            expected["inserted"] += 1
        elif old[3:] > row[3:]:
            expected["stale"] += 1
        else:
            expected["unchanged" if old[2] == row[2] else "updated"] += 1
    assert (outcome.updated, outcome.unchanged, outcome.stale.height) == (
        expected["updated"],
        expected["unchanged"],
        expected["stale"],
    )
    assert len(after) == len(table) + expected["inserted"]


def test_a_before_b_and_b_before_a_leave_the_same_rows() -> None:
    a, b = Run(1, "ra", {("x", 1): "old", ("y", 1): "a"}), Run(2, "rb", {("x", 1): "new", ("z", 1): "b"})
    first, _ = merge(merge([], a.rows)[0], b.rows)
    second, _ = merge(merge([], b.rows)[0], a.rows)
    assert sorted(first) == sorted(second) == sorted([a.rows[1], *b.rows])


def test_a_run_that_is_applied_again_changes_nothing() -> None:
    a, b = Run(1, "ra", {("x", 1): "a"}), Run(2, "rb", {("x", 1): "b"})
    table, _ = merge(merge([], a.rows)[0], b.rows)
    again, outcome = merge(table, a.rows)
    assert again == table
    assert outcome.stale.height == 1


def test_of_two_runs_planned_at_once_the_higher_run_id_wins() -> None:
    a, b = Run(1, "ra", {("x", 1): "a"}), Run(1, "rb", {("x", 1): "b"})
    assert merge(merge([], a.rows)[0], b.rows)[0] == merge(merge([], b.rows)[0], a.rows)[0] == b.rows


def test_rows_that_stay_keep_their_order_and_the_runs_rows_follow_in_theirs() -> None:
    table = Run(1, "ra", {("x", number): "a" for number in (5, 3, 4, 1)})
    run = Run(2, "rb", {("x", 9): "b", ("x", 4): "b", ("x", 0): "b"})
    rows, _ = merge(table.rows, run.rows)
    assert [row[1] for row in rows] == [5, 3, 1, 9, 4, 0]


def test_a_null_is_a_content_of_its_own() -> None:
    table = Run(1, "ra", {("x", 1): None, ("x", 2): "", ("x", 3): None})
    run = Run(2, "rb", {("x", 1): "", ("x", 2): None, ("x", 3): None})
    _, outcome = merge(table.rows, run.rows)
    assert (outcome.updated, outcome.unchanged) == (2, 1)


def test_a_table_that_holds_a_key_twice_is_refused() -> None:
    twice = Run(1, "ra", {("x", 1): "a"}).rows * 2
    with pytest.raises(DataFault, match="the same primary key twice"):
        merge(twice, Run(2, "rb", {("x", 1): "b"}).rows)
