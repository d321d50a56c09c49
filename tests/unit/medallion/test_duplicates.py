"""Duplicates against DuckDB's window functions, with one pass and with many."""

from collections.abc import Sequence

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.duplicates import POSITION, passes_for, repeated_positions, superseded_positions, without

KEYS = st.lists(
    st.tuples(st.sampled_from([None, "", "a", "b", "ä"]), st.sampled_from([None, 1, 2, 3])),
    max_size=40,
)


def frame_of(rows: Sequence[tuple[str | None, int | None]]) -> pl.DataFrame:
    return pl.DataFrame(
        {"a": [row[0] for row in rows], "b": [row[1] for row in rows]}, schema={"a": pl.String, "b": pl.Int64}
    ).with_row_index(POSITION)


def by_duckdb(rows: pl.DataFrame, condition: str, key: Sequence[str]) -> list[int]:
    """The positions for which a condition over the window of the key holds; DuckDB's partitions hold nulls together."""
    connection = duckdb.connect()
    connection.register("rows", rows.to_arrow())
    partition = ", ".join(key)
    answer = connection.execute(
        f"SELECT _position FROM (SELECT *, max(_position) OVER (PARTITION BY {partition}) AS last, "
        f"count(*) OVER (PARTITION BY {partition}) AS times FROM rows) WHERE {condition} ORDER BY _position"
    ).fetchall()
    return [position for (position,) in answer]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=KEYS, max_keys=st.integers(1, 50), key=st.sampled_from([["a"], ["b"], ["a", "b"], ["b", "a"]]))
def test_keep_last_drops_what_comes_again_further_on(
    rows: list[tuple[str | None, int | None]], max_keys: int, key: list[str]
) -> None:
    frame = frame_of(rows)
    answer = superseded_positions(frame.lazy(), key, rows=len(rows), max_keys=max_keys)
    assert sorted(answer[POSITION].to_list()) == by_duckdb(frame, "_position < last", key)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=KEYS, max_keys=st.integers(1, 50), key=st.sampled_from([["a"], ["b"], ["a", "b"]]))
def test_a_repeated_key_is_found_at_every_place(rows: list[tuple[str | None, int | None]], max_keys: int, key: list[str]) -> None:
    frame = frame_of(rows)
    answer = repeated_positions(frame.lazy(), key, rows=len(rows), max_keys=max_keys)
    assert sorted(answer[POSITION].to_list()) == by_duckdb(frame, "times > 1", key)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(rows=KEYS)
def test_what_is_left_has_each_key_once_in_the_order_of_the_rows(rows: list[tuple[str | None, int | None]]) -> None:
    frame = frame_of(rows)
    left = without(frame.lazy(), superseded_positions(frame.lazy(), ["a", "b"], rows=len(rows), max_keys=3)).collect()
    assert left[POSITION].to_list() == sorted(left[POSITION].to_list())
    assert left.select("a", "b").n_unique() == left.height if left.height else not rows


def test_many_rows_in_many_passes_agree_with_duckdb() -> None:
    frame = (
        pl.select(pl.int_range(30_000).alias("n"))
        .select((pl.col("n") * 7919 % 1000).cast(pl.String).alias("a"), (pl.col("n") * 31 % 17).alias("b"))
        .with_row_index(POSITION)
    )
    answer = superseded_positions(frame.lazy(), ["a", "b"], rows=frame.height, max_keys=4000)
    expected = by_duckdb(frame, "_position < last", ["a", "b"])
    assert sorted(answer[POSITION].to_list()) == expected
    assert len(expected) == 30_000 - 17_000


@pytest.mark.parametrize(("rows", "max_keys", "passes"), [(0, 4, 1), (1, 4, 1), (4, 4, 1), (5, 4, 2), (9, 4, 3), (3, 1, 3)])
def test_a_pass_holds_at_most_so_many_keys(rows: int, max_keys: int, passes: int) -> None:
    assert passes_for(rows, max_keys) == passes


def test_without_positions_a_frame_stays_as_it_is() -> None:
    frame = frame_of([("a", 1), ("b", 2)])
    none = pl.DataFrame(schema={POSITION: pl.UInt32})
    assert without(frame.lazy(), none).collect().equals(frame)
