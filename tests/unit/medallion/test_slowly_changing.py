"""Histories against DuckDB: whatever the order in which runs come, the versions are those of all facts at once."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.conflict_policy import ConflictPolicy
from flowforge.medallion.duplicates import POSITION, without
from flowforge.medallion.slowly_changing import (
    History,
    advance,
    advanced_table,
    affected_positions,
    begun_versions,
    opened_versions,
    versions_of,
)
from flowforge.model.silver_config import SilverConfig

DAWN = datetime(2026, 11, 23, tzinfo=UTC)
FACT = {
    "k": pl.Int64(),
    "day": pl.Date(),
    "v": pl.String(),
    "_ingested_at": pl.Datetime("us", "UTC"),
    "_run_id": pl.String(),
    "_row_number": pl.Int64(),
}
CONTENT = ["k", "day", "v"]


@dataclass(frozen=True)
class Run:
    """What one run shows: per key a value, planned at an hour of its own."""

    hour: int
    cells: dict[tuple[int, int], str | None]

    def facts(self, *, dated: bool) -> list[tuple[Any, ...]]:
        """Its rows, of which the key is unique, with the day where versions hold from one."""
        at = DAWN + timedelta(hours=self.hour)
        cells = self.cells if dated else {(k, 0): v for (k, _), v in self.cells.items()}
        return [
            (k, date(2026, 1, 1 + day), v, at, f"run{self.hour:02}", number)
            for number, ((k, day), v) in enumerate(cells.items(), start=1)
        ]


RUNS = st.lists(
    st.builds(
        Run,
        hour=st.integers(0, 9),
        cells=st.dictionaries(st.tuples(st.integers(1, 3), st.integers(0, 3)), st.sampled_from(["a", "b", None]), max_size=6),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda run: run.hour,
)


@dataclass
class Table:
    """A table as the steps keep it: its versions, what each run brought, and the newest run."""

    config: SilverConfig
    versions: pl.DataFrame | None = None
    brought: dict[int, pl.DataFrame] = field(default_factory=dict)

    def take(self, run: Run, max_keys: int) -> None:
        """Put a run's facts in their places."""
        history = History.of(self.config, CONTENT, ConflictPolicy())
        dated, tracks = not history.by_arrival, self.config.scd_track_deletes
        facts = pl.DataFrame(run.facts(dated=dated), schema=FACT, orient="row")
        newest = max(self.brought, default=-1)
        if self.versions is not None and not dated and run.hour > newest:
            table, rows = self.versions.with_row_index(POSITION).lazy(), facts.with_row_index(POSITION).lazy()
            outcome = advance(
                table, rows, history, rows=max(facts.height, self.versions.height), is_snapshot=tracks, max_keys=max_keys
            )
            at = DAWN + timedelta(hours=run.hour)
            parts = [
                advanced_table(table, outcome.ended, at, history),
                opened_versions(rows, outcome.unchanged, history),
            ]
            assert outcome.known >= outcome.unchanged.height
        else:
            others = [frame for hour, frame in self.brought.items() if hour != run.hour]
            if dated and self.versions is not None:
                others = [self.versions.select(facts.columns)]
            everything = pl.concat([*others, facts]).with_row_index(POSITION)
            versions = versions_of(
                everything.lazy(),
                history,
                rows=everything.height,
                first_of_run=everything.height - facts.height,
                snapshots=sorted({DAWN + timedelta(hours=hour) for hour in (*self.brought, run.hour)}) if tracks else (),
                max_keys=max_keys,
            )
            assert versions.inserted + versions.updated + versions.unchanged + versions.stale == facts.height
            parts = [begun_versions(everything.lazy(), versions.begun, history)]
            if self.versions is not None:
                table = self.versions.with_row_index(POSITION).lazy()
                affected = affected_positions(table, facts.lazy(), history.key)
                gone = table.select(POSITION).collect() if tracks else affected
                parts.insert(0, without(table, gone))
        columns = [*FACT, *self.config.added_columns[:-1]]
        self.versions = pl.concat([part.select(columns) for part in parts]).collect()
        self.brought[run.hour] = facts


def expected(runs: Sequence[Run], config: SilverConfig) -> list[tuple[Any, ...]]:
    """key, value, from, to, current by SQL over all facts at once."""
    dated = config.effective_date_source is not None
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute("create table facts (k int, day date, v text, came timestamp, run text, number int)")
    rows = [(*row[:3], row[3].replace(tzinfo=None), *row[4:]) for run in runs for row in run.facts(dated=dated)]
    if rows:
        connection.executemany("insert into facts values (?, ?, ?, ?, ?, ?)", rows)
    connection.execute("create table snapshots (came timestamp)")
    connection.executemany(
        "insert into snapshots values (?)", [[(DAWN + timedelta(hours=run.hour)).replace(tzinfo=None)] for run in runs]
    )
    if dated:
        query = """
            select k, v, day, lead(day) over (partition by k order by day)
            from (select * from facts qualify row_number() over (partition by k, day order by came desc, run desc) = 1)
        """
    else:
        gone = "(select min(came) from snapshots s where s.came > f.came)" if config.scd_track_deletes else "null::timestamp"
        query = f"""
            with seen as (select k, v, came, {gone} as gone from facts f),
            marked as (
                select *, lag(came) over w is null or lag(v) over w is distinct from v
                    or coalesce(lag(gone) over w < came, false) as begins
                from seen window w as (partition by k order by came)
            ),
            grouped as (select *, sum(begins::int) over (partition by k order by came) as version from marked),
            versions as (
                select k, version, arg_min(v, came) filter (v is not null) as v, min(came) as since,
                    arg_max(coalesce(gone, 'infinity'), came) as gone
                from grouped group by all
            )
            select k, v, since, least(lead(since) over (partition by k order by since), nullif(gone, 'infinity')) from versions
        """
    return sorted(
        ((k, v, since, end, end is None) for k, v, since, end in connection.execute(query).fetchall()),
        key=lambda row: (row[0], row[2]),
    )


def held(table: Table) -> list[tuple[Any, ...]]:
    config = table.config
    assert table.versions is not None
    shown = table.versions.select(
        "k", "v", config.scd_effective_date_column, config.scd_end_date_column, config.scd_current_flag_column
    )
    plain = [pl.col(name).dt.replace_time_zone(None) for name, dtype in shown.schema.items() if isinstance(dtype, pl.Datetime)]
    return sorted(shown.with_columns(plain).rows(), key=lambda row: (row[0], row[2]))


@pytest.mark.parametrize("options", [{}, {"scdTrackDeletes": True}, {"scdEffectiveDateColumn": "day"}])
@settings(max_examples=25, deadline=None, derandomize=True)
@given(runs=RUNS, order=st.randoms(use_true_random=False), max_keys=st.integers(8, 40))
def test_runs_in_any_order_and_repeated_leave_the_versions_of_all_facts(
    options: dict[str, Any], runs: list[Run], order: Any, max_keys: int
) -> None:
    config = SilverConfig.model_validate({"primaryKey": "k", "mergeStrategy": "scd_type_2", **options})
    table = Table(config)
    shuffled = [*runs, *runs[:2]]
    order.shuffle(shuffled)
    for run in shuffled:
        table.take(run, max_keys)
    found = held(table)
    assert found == expected(runs, config)
    for key in {row[0] for row in found}:
        versions = [row for row in found if row[0] == key]
        assert all(one[3] is not None and one[3] <= other[2] for one, other in itertools.pairwise(versions))
        assert sum(row[4] for row in versions) <= 1
