"""Gold against DuckDB and exact arithmetic."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.gold import gold_frame, represented_rows
from flowforge.model.errors import ConfigFault
from flowforge.model.gold import GoldConfig

SCHEMA = {"country": pl.String(), "kind": pl.Int64(), "amount": pl.Decimal(12, 2), "number": pl.Int64(), "day": pl.Date()}
ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, "", "de", "fr", "ä"]),
        st.sampled_from([None, 1, 2]),
        st.one_of(st.none(), st.decimals(-1000, 1000, places=2)),
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.none(), st.dates()),
    ),
    max_size=30,
)
AGGREGATES = {
    "total": "sum(amount)",
    "lowest": "min(amount)",
    "latest": "max(day)",
    "first": "min(country)",
    "known": "count(number)",
    "rows": "count(*)",
    "big": "sum(number)",
}


def config(*group_by: str, **aggregates: str) -> GoldConfig:
    return GoldConfig.model_validate(
        {"aggregationEnabled": True, "aggregationGroupBy": list(group_by), "aggregates": aggregates or AGGREGATES}
    )


def frame_of(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame([list(row) for row in rows], schema=SCHEMA, orient="row")


def by_duckdb(rows: pl.DataFrame, group_by: list[str], aggregates: dict[str, str]) -> list[tuple[Any, ...]]:
    connection = duckdb.connect()
    connection.register("silver", rows.to_arrow())
    shown = ", ".join([*group_by, *(f'{text} AS "{name}"' for name, text in aggregates.items()), "count(*)"])
    by = ", ".join(group_by)
    tail = f" GROUP BY {by} ORDER BY {', '.join(f'{name} NULLS FIRST' for name in group_by)}" if by else ""
    return connection.execute(f"SELECT {shown} FROM silver{tail}").fetchall()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=ROWS, group_by=st.sampled_from([["country"], ["country", "kind"], ["kind"], []]))
def test_groups_and_aggregates_are_those_of_duckdb(rows: list[tuple[Any, ...]], group_by: list[str]) -> None:
    silver = frame_of(rows)
    gold = gold_frame(silver.lazy(), config(*group_by)).collect()
    assert [tuple(row) for row in gold.rows()] == by_duckdb(silver, group_by, AGGREGATES)
    assert gold.columns == [*group_by, *AGGREGATES, "_row_count"]
    assert represented_rows(gold.lazy(), config(*group_by)).collect().item() == silver.height


def test_nulls_are_a_group_of_their_own_and_come_first() -> None:
    silver = pl.LazyFrame({"country": ["fr", None, "de", None, ""]})
    gold = gold_frame(silver, config("country", rows="count(*)")).collect()
    assert gold.select("country", "rows").rows() == [(None, 2), ("", 1), ("de", 1), ("fr", 1)]


def test_an_integer_sum_goes_beyond_64_bits() -> None:
    silver = pl.LazyFrame({"number": [2**63 - 1] * 5})
    gold = gold_frame(silver, config(big="sum(number)")).collect()
    assert gold["big"].to_list() == [Decimal(5 * (2**63 - 1))]


def test_decimals_are_summed_exactly() -> None:
    silver = pl.LazyFrame({"amount": [Decimal("0.10")] * 3 + [None]}, schema={"amount": pl.Decimal(8, 2)})
    gold = gold_frame(silver, config(total="sum(amount)", mean="avg(amount)")).collect()
    assert gold["total"].to_list() == [Decimal("0.30")]
    assert gold["mean"].item() == pytest.approx(0.1, rel=1e-15)


FLOATS = st.floats(-1e9, 1e9, allow_nan=False, allow_subnormal=False).map(lambda value: round(value, 4))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.none(), FLOATS), max_size=40))
def test_floats_are_summed_to_the_nearest_float_in_any_order(values: list[float | None]) -> None:
    silver = pl.DataFrame({"x": values}, schema={"x": pl.Float64})
    gold = gold_frame(silver.lazy(), config(total="sum(x)", mean="avg(x)")).collect()
    again = gold_frame(silver.reverse().lazy(), config(total="sum(x)", mean="avg(x)")).collect()
    assert gold.equals(again)
    present = [Fraction(value) for value in values if value is not None]
    total, mean = gold.select("total", "mean").row(0)
    if not present:
        assert (total, mean) == (None, None)
    else:
        assert total == pytest.approx(float(sum(present)), rel=1e-15, abs=1e-12)
        assert mean == pytest.approx(float(sum(present) / len(present)), rel=1e-15, abs=1e-12)


def test_a_group_without_values_sums_to_null_as_in_sql() -> None:
    silver = pl.LazyFrame({"k": ["a", "b"], "n": [None, 1]}, schema={"k": pl.String, "n": pl.Int64})
    gold = gold_frame(silver, config("k", total="sum(n)", mean="avg(n)", known="count(n)")).collect()
    assert gold.rows() == [("a", None, None, 0, 1), ("b", Decimal(1), 1.0, 1, 1)]


def test_no_rows_give_no_groups_and_without_groups_one_row_of_zero() -> None:
    silver = frame_of([]).lazy()
    assert gold_frame(silver, config("country")).collect().height == 0
    whole = gold_frame(silver, config(rows="count(*)", total="sum(amount)")).collect()
    assert whole.rows() == [(0, None, 0)]


def test_a_copy_keeps_columns_and_order() -> None:
    silver = frame_of([("fr", 1, None, 3, None), ("de", 2, None, 1, None)])
    assert gold_frame(silver.lazy(), GoldConfig()).collect().equals(silver)
    assert represented_rows(silver.lazy(), GoldConfig()).collect().item() == 2


@pytest.mark.parametrize("function", ["sum", "avg"])
def test_a_text_is_not_summed_up(function: str) -> None:
    with pytest.raises(ConfigFault, match=r"goldConfig.aggregates.x: .*\(country\) needs a number") as caught:
        gold_frame(frame_of([]).lazy(), config(x=f"{function}(country)"))
    assert (caught.value.option, caught.value.column) == ("goldConfig.aggregates.x", "country")


def test_a_column_that_silver_does_not_have_is_named() -> None:
    with pytest.raises(ConfigFault, match="aggregationGroupBy names the column 'city'"):
        gold_frame(frame_of([]).lazy(), config("city", rows="count(*)"))
    with pytest.raises(ConfigFault, match=r"goldConfig.aggregates.x names the column .price'"):
        gold_frame(frame_of([]).lazy(), config(x="sum(price)"))


def test_a_column_in_which_no_value_was_seen_counts_as_a_number() -> None:
    silver = pl.LazyFrame({"k": ["a", "a"], "later": [None, None]}, schema={"k": pl.String, "later": pl.String})
    gold = gold_frame(silver, config("k", total="sum(later)", known="count(later)"), undetermined=["later"]).collect()
    assert gold.select("k", "known", "_row_count").rows() == [("a", 0, 2)]
    assert gold["total"].to_list() in ([None], [0.0])
