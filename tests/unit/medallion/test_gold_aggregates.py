"""Distinct counts, medians, first and last values, periods and the order of rows, against DuckDB and the calendar."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.gold import gold_frame, require_in_range
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.gold import GoldConfig

SCHEMA = {"k": pl.String(), "n": pl.Int64(), "x": pl.Float64(), "m": pl.Decimal(10, 2), "s": pl.String(), "rank": pl.Int64()}
ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, "a", "b"]),
        st.one_of(st.none(), st.integers(-5, 5)),
        st.one_of(st.none(), st.integers(-50, 50).map(lambda value: value / 4)),
        st.one_of(st.none(), st.decimals(-10, 10, places=2)),
        st.sampled_from([None, "", "p", "q", "r"]),
        st.one_of(st.none(), st.integers(0, 3)),
    ),
    max_size=25,
)


def config(aggregates: dict[str, str] | None = None, **options: Any) -> GoldConfig:
    given_options = {"aggregationEnabled": True, "aggregates": aggregates or {"rows": "count(*)"}, **options}
    return GoldConfig.model_validate(given_options)


def gold(rows: pl.DataFrame, aggregates: dict[str, str] | None = None, **options: Any) -> pl.DataFrame:
    return gold_frame(rows.lazy(), config(aggregates, **options)).collect(engine="streaming")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(ROWS)
def test_aggregates_that_hold_values_are_those_of_duckdb(rows: list[tuple[Any, ...]]) -> None:
    silver = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    aggregates = {
        "distinct": "count(distinct n)",
        "texts": "count_distinct(s)",
        "middle": "median(n)",
        "middle_x": "median(x)",
        "earliest": "first(s)",
        "latest": "last(m)",
    }
    made = gold(silver, aggregates, aggregationGroupBy=["k"], aggregationOrderBy=["rank"])
    connection = duckdb.connect()
    connection.register("silver", silver.with_row_index("place").to_arrow())
    by_duckdb = connection.execute(
        "SELECT k, count(DISTINCT n), count(DISTINCT s), median(n), median(x), "
        "first(s ORDER BY rank NULLS FIRST, place) FILTER (s IS NOT NULL), "
        "last(m ORDER BY rank NULLS FIRST, place) FILTER (m IS NOT NULL), count(*) "
        "FROM silver GROUP BY k ORDER BY k NULLS FIRST"
    ).fetchall()
    assert made.rows() == by_duckdb


def test_first_and_last_go_by_arrival_whatever_the_order_of_silver() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    silver = pl.DataFrame(
        {"v": ["c", "d", "a", "b"], "_ingested_at": [late, late, early, early], "_run_id": ["2", "2", "1", "1"]}
    )
    aggregates = {"earliest": "first(v)", "latest": "last(v)"}
    assert gold(silver, aggregates).rows() == gold(silver[[2, 3, 0, 1]], aggregates).rows() == [("a", "d", 4)]


def test_a_group_without_values_has_no_first_and_no_median() -> None:
    silver = pl.DataFrame({"k": ["a", "a"], "v": [None, None]}, schema={"k": pl.String, "v": pl.Int64})
    aggregates = {"f": "first(v)", "m": "median(v)", "d": "count_distinct(v)"}
    assert gold(silver, aggregates, aggregationGroupBy=["k"]).rows() == [("a", None, None, 0, 2)]
    assert gold(silver.clear(), aggregates).rows() == [(None, None, 0, 0)]


MOMENTS = st.datetimes(datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2027-12-31"))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"])


def start_of(day: date, grain: str) -> date:
    """The first day of a period, by the calendar."""
    match grain:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.isoweekday() - 1)
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
        case _:
            return date(day.year, 1, 1)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    moments=st.lists(st.one_of(st.none(), MOMENTS), max_size=20),
    grain=st.sampled_from(["day", "week", "month", "quarter", "year"]),
    zone=ZONES,
    zoned=st.booleans(),
)
def test_a_period_begins_on_a_day_of_the_zones_calendar(
    moments: list[datetime | None], grain: str, zone: str, zoned: bool
) -> None:
    silver = pl.DataFrame({"at": moments}, schema={"at": pl.Datetime("us")})
    if zoned:
        silver = silver.select(pl.col("at").dt.replace_time_zone("UTC"))
    options: dict[str, Any] = {"aggregationTimeColumn": "at", "aggregationTimeGrain": grain, "aggregationTimeZone": zone}
    made = gold(silver, **options)
    expected: dict[date | None, int] = {}
    for moment in moments:
        local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() if moment else None
        start = start_of(local, grain) if local else None
        expected[start] = expected.get(start, 0) + 1
    ordered = sorted(expected.items(), key=lambda pair: pair[0] or date.min)
    assert made.select(f"at_{grain}", "rows").rows() == ordered
    assert made[f"at_{grain}"].dtype == pl.Date


def test_a_date_has_periods_and_no_zone() -> None:
    silver = pl.DataFrame({"day": [date(2026, 1, 4), date(2026, 1, 5), None], "k": ["a", "a", "a"]})
    by_week: dict[str, Any] = {"aggregationTimeColumn": "day", "aggregationTimeGrain": "week", "aggregationGroupBy": ["k"]}
    made = gold(silver, **by_week)
    assert made.columns == ["day_week", "k", "rows", "_row_count"]
    assert made["day_week"].to_list() == [None, date(2025, 12, 29), date(2026, 1, 5)]
    with pytest.raises(ConfigFault, match="day holds dates, which have no zone"):
        gold(silver, **by_week | {"aggregationTimeZone": "Europe/Berlin"})
    with pytest.raises(ConfigFault, match="periods need a date or a timestamp, and k is String"):
        gold(silver, aggregationTimeColumn="k", aggregationTimeGrain="day")
    with pytest.raises(ConfigFault, match="aggregationTimeColumn names the column 'nowhere'"):
        gold(silver, aggregationTimeColumn="nowhere", aggregationTimeGrain="day")


def test_rows_come_in_the_stated_order_and_ties_as_they_were() -> None:
    silver = pl.DataFrame({"k": ["b", None, "a", "b"], "n": [1, 2, 3, 4]})

    def copied(**options: Any) -> list[int]:
        return gold_frame(silver.lazy(), GoldConfig.model_validate(options)).collect()["n"].to_list()

    assert copied() == [1, 2, 3, 4]
    assert copied(orderBy=["k"]) == [2, 3, 1, 4]
    assert copied(orderBy=["k desc"]) == [1, 4, 3, 2]
    assert copied(partitionKeys=["k"], orderBy=["n desc"]) == [2, 3, 4, 1]
    with pytest.raises(ConfigFault, match="orderBy names the column 'city'"):
        copied(orderBy=["city"])
    grouped = gold(silver, {"rows": "count(*)"}, aggregationGroupBy=["k"], orderBy=["rows desc"])
    assert grouped.select("k", "rows").rows() == [("b", 2), (None, 1), ("a", 1)]


def test_a_snapshot_carries_its_day() -> None:
    silver = pl.LazyFrame({"n": [1, 2]})
    made = gold_frame(silver, GoldConfig(build_strategy="snapshot"), snapshot_date=date(2026, 11, 23)).collect()
    assert made.rows() == [(1, date(2026, 11, 23)), (2, date(2026, 11, 23))]
    assert made.columns == ["n", "_snapshot_date"]


@pytest.mark.parametrize(
    ("values", "total", "mean"),
    [
        ([1.0, math.nan, None], math.nan, math.nan),
        ([1.0, math.inf], math.inf, math.inf),
        ([math.inf, -math.inf, 1.0], math.nan, math.nan),
        ([1e308, 1e308, 1e308], math.inf, 1e308),
        ([5e-324, 1.0], 1.0, 0.5),
    ],
)
def test_what_is_not_finite_sums_as_ieee_754_says(values: list[float | None], total: float, mean: float) -> None:
    made = gold(pl.DataFrame({"x": values}), {"total": "sum(x)", "mean": "avg(x)"})
    assert made.select("total", "mean").row(0) == pytest.approx((total, mean), nan_ok=True)


def test_a_sum_beyond_its_range_is_a_fault_of_the_data() -> None:
    floats = pl.LazyFrame({"x": [1e308, 1e308]})
    wanted = config({"total": "sum(x)", "mean": "avg(x)"})
    with pytest.raises(DataFault, match=r"aggregates.total: the result lies beyond the range of a 64-bit float"):
        require_in_range(gold_frame(floats, wanted).collect().lazy(), floats, wanted)
    endless = pl.LazyFrame({"x": [1e308, math.inf]})
    require_in_range(gold_frame(endless, wanted).collect().lazy(), endless, wanted)
    decimals = pl.DataFrame({"x": [Decimal(9 * 10**37)] * 2}, schema={"x": pl.Decimal(38, 0)})
    with pytest.raises(pl.exceptions.PolarsError, match="overflow"):
        gold(decimals, {"total": "sum(x)"})


@pytest.mark.parametrize("function", ["sum", "avg", "median"])
def test_days_are_not_added_up(function: str) -> None:
    with pytest.raises(ConfigFault, match="needs a number, and the column is Date"):
        gold(pl.DataFrame({"day": [date(2026, 1, 1)]}), {"x": f"{function}(day)"})
