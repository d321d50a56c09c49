"""An aggregation that grows is the one that a full rebuild gives, whatever came in which portions."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.aggregation import Aggregation
from flowforge.medallion.exact_sum import Magnitudes
from flowforge.medallion.gold import finished, gold_frame
from flowforge.medallion.gold_increment import Increment, can_be_added
from flowforge.model.gold import GoldConfig

SCHEMA = {"k": pl.String(), "n": pl.Int64(), "x": pl.Float64(), "m": pl.Decimal(10, 2)}
ADDED = {"rows": "count(*)", "known": "count(n)", "total": "sum(m)", "whole": "sum(n)", "least": "min(x)", "most": "max(k)"}
HELD = {**ADDED, "mean": "avg(m)", "float": "sum(x)", "kinds": "count_distinct(n)", "middle": "median(x)", "end": "last(m)"}
ROW = st.tuples(
    st.sampled_from([None, "a", "b", "c"]),
    st.one_of(st.none(), st.integers(-(2**40), 2**40)),
    st.one_of(st.none(), st.floats(-1e6, 1e6, allow_subnormal=False)),
    st.one_of(st.none(), st.decimals(-100, 100, places=2)),
)
PORTIONS = st.lists(st.lists(ROW, max_size=6), min_size=2, max_size=4)


def config(aggregates: dict[str, str], **options: Any) -> GoldConfig:
    return GoldConfig.model_validate({"aggregationEnabled": True, "aggregates": aggregates, **options})


def frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def grown(portions: list[pl.DataFrame], wanted: GoldConfig) -> tuple[pl.DataFrame, int]:
    """The Gold after the last portion, and how often it grew instead of being made anew."""
    grew = 0
    rows = portions[0]
    first = Aggregation(rows.lazy(), wanted)
    magnitudes = first.magnitudes(first.source)
    made = gold_frame(rows.lazy(), wanted).collect()
    for portion in portions[1:]:
        rows = pl.concat([rows, portion])
        everything = Aggregation(rows.lazy(), wanted)
        step = Increment(made.lazy(), magnitudes, everything, Aggregation(portion.lazy(), wanted)).groups()
        if step is None:
            magnitudes = everything.magnitudes(everything.source)
            made = gold_frame(rows.lazy(), wanted).collect()
        else:
            groups, magnitudes = step
            made, grew = finished(groups, wanted).collect(), grew + 1
    return made, grew


@settings(max_examples=25, deadline=None, derandomize=True)
@given(portions=PORTIONS, held=st.booleans(), by=st.sampled_from([["k"], []]))
def test_growing_gives_what_a_full_rebuild_gives(portions: list[list[tuple[Any, ...]]], held: bool, by: list[str]) -> None:
    wanted = config(HELD if held else ADDED, aggregationGroupBy=by)
    frames = [frame(rows) for rows in portions]
    made, _ = grown(frames, wanted)
    assert made.equals(gold_frame(pl.concat(frames).lazy(), wanted).collect(), null_equal=True)


def test_what_can_be_added_is_added_without_reading_old_rows() -> None:
    old, new = frame([("a", 1, 1.0, None)]), frame([("a", 2, 2.0, None), (None, 3, None, None)])
    wanted = config(ADDED, aggregationGroupBy=["k"])
    unread = Aggregation(pl.scan_parquet("nowhere.parquet", schema=pl.Schema(SCHEMA)), wanted)
    previous = gold_frame(old.lazy(), wanted).collect().lazy()
    step = Increment(previous, Magnitudes({}, 1), unread, Aggregation(new.lazy(), wanted)).groups()
    assert step is not None
    assert finished(step[0], wanted).collect().select("k", "rows", "whole").rows() == [(None, 1, 3), ("a", 2, 3)]


def test_groups_that_did_not_change_are_taken_over() -> None:
    wanted = config({"middle": "median(n)"}, aggregationGroupBy=["k"])
    old = frame([("a", 1, None, None), ("b", 5, None, None)])
    new = frame([("b", 7, None, None)])
    marked = gold_frame(old.lazy(), wanted).with_columns(middle=pl.when(pl.col("k") == "a").then(-1.0).otherwise("middle"))
    both = Aggregation(pl.concat([old, new]).lazy(), wanted)
    step = Increment(marked.collect().lazy(), Magnitudes({}, 2), both, Aggregation(new.lazy(), wanted)).groups()
    assert step is not None
    assert finished(step[0], wanted).collect().select("k", "middle").rows() == [("a", -1.0), ("b", 6.0)]


def test_a_new_largest_float_asks_for_a_full_rebuild() -> None:
    wanted = config({"float": "sum(x)"}, aggregationGroupBy=["k"])
    near = [frame([("a", None, 1.0, None), ("b", None, 1.5, None)]), frame([("a", None, 1.25, None)])]
    far = [near[0], frame([("a", None, 1e12, None)])]
    assert [grown(portions, wanted)[1] for portions in (near, far)] == [1, 0]


@pytest.mark.parametrize(
    ("aggregate", "addable"),
    [
        ("sum(m)", True),
        ("sum(n)", True),
        ("sum(x)", False),
        ("max(x)", True),
        ("avg(m)", False),
        ("median(n)", False),
        ("first(k)", False),
    ],
)
def test_a_sum_of_floats_does_not_tell_its_last_digits(aggregate: str, addable: bool) -> None:
    assert can_be_added(config({"x": aggregate}).parsed_aggregates, pl.Schema(SCHEMA)) is addable
