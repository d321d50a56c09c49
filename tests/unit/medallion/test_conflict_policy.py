"""Conflict policies against SQLite: whatever the order of the runs, each key has the row that the policy prefers."""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.conflict_policy import ConflictPolicy
from flowforge.medallion.duplicates import POSITION, superseded_positions, without
from flowforge.medallion.merge import merged, weigh
from flowforge.model.silver_config import ConflictResolution

DAWN = datetime(2026, 11, 23, tzinfo=UTC)
SCHEMA = {
    "k": pl.Int64(),
    "seen": pl.Int64(),
    "v": pl.Int64(),
    "_ingested_at": pl.Datetime("us", "UTC"),
    "_run_id": pl.String(),
    "_row_number": pl.Int64(),
}
CONTENT = ["k", "seen", "v"]
CELLS = st.lists(st.tuples(st.integers(1, 3), st.sampled_from([None, 1, 2]), st.integers(0, 2)), max_size=6)
RUNS = st.dictionaries(st.tuples(st.integers(0, 2), st.sampled_from("ab")), CELLS, min_size=1, max_size=4)
Runs = dict[tuple[int, str], list[tuple[int, int | None, int]]]
POLICIES = [
    (ConflictPolicy(), "hour desc, run desc, number desc"),
    (ConflictPolicy(ConflictResolution.TARGET_WINS), "hour, run, number"),
    (
        ConflictPolicy(ConflictResolution.MOST_RECENT, "seen"),
        "seen desc nulls last, hour desc, run desc, number desc",
    ),
]


def rows_of(runs: Runs, planned: tuple[int, str]) -> list[tuple[Any, ...]]:
    hour, run_id = planned
    return [(*cells, DAWN + timedelta(hours=hour), run_id, number) for number, cells in enumerate(runs[planned], start=1)]


def numbered(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame([list(row) for row in rows], schema=SCHEMA, orient="row").with_row_index(POSITION)


def merge(table: pl.DataFrame, rows: list[tuple[Any, ...]], policy: ConflictPolicy, *, max_keys: int) -> pl.DataFrame:
    run = numbered(rows)
    order = [policy.column] if policy.column else []
    lost = superseded_positions(run.lazy(), ["k"], rows=run.height, order=order, keep=policy.keep, max_keys=max_keys)
    unique = without(run.lazy(), lost).collect()
    held = table.with_row_index(POSITION)
    outcome = weigh(held.lazy(), unique.lazy(), ["k"], CONTENT, rows=unique.height, policy=policy, max_keys=max_keys)
    assert outcome.stale.height + outcome.updated + outcome.unchanged <= unique.height
    return merged(held.lazy(), unique.lazy(), outcome).collect()


def preferred(runs: Runs, order: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table facts (k, seen, v, hour, run, number)")
    facts = [(*row[:3], planned[0], *row[4:]) for planned in runs for row in rows_of(runs, planned)]
    connection.executemany("insert into facts values (?, ?, ?, ?, ?, ?)", facts)
    query = f"select *, row_number() over (partition by k order by {order}) as place from facts"
    return connection.execute(f"select k, seen, v, hour, run, number from ({query}) where place = 1 order by k").fetchall()


@pytest.mark.parametrize(("policy", "order"), POLICIES, ids=[policy.resolution.value for policy, _ in POLICIES])
@settings(max_examples=30, deadline=None, derandomize=True)
@given(runs=RUNS, chance=st.randoms(use_true_random=False), max_keys=st.integers(3, 20))
def test_runs_in_any_order_and_again_leave_the_row_that_the_policy_prefers(
    policy: ConflictPolicy, order: str, runs: Runs, chance: Any, max_keys: int
) -> None:
    shuffled = [*runs, *list(runs)[:2]]
    chance.shuffle(shuffled)
    table = pl.DataFrame(schema=SCHEMA)
    for planned in shuffled:
        table = merge(table, rows_of(runs, planned), policy, max_keys=max_keys)
    hours = (pl.col("_ingested_at") - DAWN).dt.total_hours()
    assert table.select(*CONTENT, hours, "_run_id", "_row_number").sort("k").rows() == preferred(runs, order)


def test_within_a_run_of_several_files_their_order_comes_before_the_rows_numbers() -> None:
    policy = ConflictPolicy(file_ranks={"run/b.csv": 0, "run/a.csv": 1})
    frame = pl.DataFrame(
        {"k": [1, 1], "_ingested_at": [DAWN, DAWN], "_run_id": ["run", "run"]}
        | {"_source_file": ["b.csv", "a.csv"], "_row_number": [9, 2]}
    ).with_row_index(POSITION)
    ordered = frame.lazy().select(POSITION, "k", *policy.columns())
    assert superseded_positions(ordered, ["k"], rows=2, order=policy.names)[POSITION].to_list() == [0]
