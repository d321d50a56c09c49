"""Executions that write to one table at once: each is applied once, and the tables are those of any other order."""

import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import duckdb
import polars as pl
import pytest

from flowforge.lake import keys
from flowforge.lake.heads import read_head
from flowforge.model.errors import CommitConflict
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import SilverCounts, Step
from lab import Lab, Run

TRIES = 7
"""A state's first try and its six retries."""
KEYS = 40
ROWS = 25
GOLD_HEAD = keys.gold_head_key("analytics", "orders")


def content(seed: int) -> str:
    """Rows whose keys overlap with those of other seeds, some of them twice."""
    chance = random.Random(seed)
    rows = [f"{chance.randrange(KEYS)},{seed * 1000 + number}" for number in range(ROWS)]
    return "id,amount\n" + "\n".join(rows) + "\n"


def planned(lab: Lab, count: int) -> list[Run]:
    """Runs an hour apart that have come to Silver."""
    runs = [lab.ingest(content(seed), name=f"file_{seed}.csv") for seed in range(count)]
    for run in runs:
        run.bronze()
    return runs


def at_once(runs: Sequence[Run]) -> int:
    """Run Silver and Gold of all runs side by side, as their executions do; how often one had to begin again."""
    gate = threading.Barrier(len(runs))
    again: list[Run] = []

    def execute(run: Run) -> None:
        gate.wait()
        for step in (Step.SILVER_TRANSFORM, Step.GOLD_PUBLISH):
            for last in (*[False] * (TRIES - 1), True):
                try:
                    run.step(step)
                    break
                except CommitConflict:
                    again.append(run)
                    if last:
                        raise

    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(execute, runs))
    return len(again)


def expected(count: int, strategy: MergeStrategy) -> list[tuple[int, int, str]]:
    """What the table holds, by DuckDB: id, amount, file."""
    connection = duckdb.connect()
    rows = [
        (seed, number, *map(int, line.split(",")))
        for seed in range(count)
        for number, line in enumerate(content(seed).splitlines()[1:])
    ]
    connection.execute("create table rows (run int, number int, id int, amount int)")
    connection.executemany("insert into rows values (?, ?, ?, ?)", rows)
    of_a_run = "select * from rows qualify row_number() over (partition by run, id order by number desc) = 1"
    by_strategy = {
        MergeStrategy.MERGE: f"select * from ({of_a_run}) qualify row_number() over (partition by id order by run desc) = 1",
        MergeStrategy.REPLACE: f"select * from ({of_a_run}) where run = (select max(run) from rows)",
        MergeStrategy.VERSIONED: f"select * from ({of_a_run}) where run = (select max(run) from rows)",
        MergeStrategy.APPEND: of_a_run,
        # No two runs bring a key with the same amount, so each row begins a version.
        MergeStrategy.SCD_TYPE_2: of_a_run,
    }
    query = f"select id, amount, 'file_' || run || '.csv' from ({by_strategy[strategy]}) order by all"
    return connection.execute(query).fetchall()


def rows_of(frame: pl.DataFrame) -> list[tuple[int, int, str]]:
    return sorted(frame.select("id", "amount", "_source_file").rows())


def published(lab: Lab) -> pl.DataFrame:
    head = read_head(lab.lake, GOLD_HEAD)
    assert head is not None
    return lab.frame(head.key)


@pytest.mark.parametrize(
    ("strategy", "count"),
    [*((MergeStrategy.MERGE, count) for count in (2, 5, 8)), *((other, 3) for other in MergeStrategy if other != "merge")],
)
def test_executions_that_write_to_one_table_at_once_leave_the_rows_of_any_order(
    lab: Lab, strategy: MergeStrategy, count: int
) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": strategy.value}
    at_once(planned(lab, count))
    assert rows_of(lab.silver_table()) == expected(count, strategy)
    assert rows_of(published(lab)) == expected(count, strategy)


def test_histories_that_are_written_at_once_have_one_current_version_of_each_key(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "scd_type_2"}
    at_once(planned(lab, 3))
    current = lab.silver_table().filter("_is_current")
    assert rows_of(current) == expected(3, MergeStrategy.MERGE)
    assert current["_effective_to"].is_null().all()


def test_merging_at_once_counts_every_key_as_inserted_once(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge"}
    runs = planned(lab, 6)
    at_once(runs)
    counts = [run.step(Step.SILVER_TRANSFORM).counts for run in runs]
    assert sum(count.inserted for count in counts if isinstance(count, SilverCounts)) == lab.silver_table().height


@pytest.mark.parametrize("order", [(0, 1, 0), (1, 0, 1)])
def test_a_run_that_is_asked_for_again_after_another_leaves_identical_rows(lab: Lab, order: tuple[int, ...]) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge"}
    runs = planned(lab, 2)
    for number in order:
        run = runs[number]
        lab.lake.delete(
            [keys.result_key(run.execution_id, "job_orders", step) for step in (Step.SILVER_TRANSFORM, Step.GOLD_PUBLISH)]
        )
        run.gold()
    assert rows_of(lab.silver_table()) == expected(2, MergeStrategy.MERGE)
    assert rows_of(published(lab)) == expected(2, MergeStrategy.MERGE)


def test_the_same_execution_twice_at_once_is_applied_once(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "append"}
    [run] = planned(lab, 1)
    at_once([run, run, run])
    assert rows_of(lab.silver_table()) == expected(1, MergeStrategy.APPEND)
    assert rows_of(published(lab)) == expected(1, MergeStrategy.APPEND)
