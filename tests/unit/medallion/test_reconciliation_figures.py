"""Figures that are compared: exact, and the same in whatever order and type the rows are read."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import polars_hash as plh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.reconciliation import compared, figure
from flowforge.medallion.row_hash import hash_of_rows
from flowforge.model.errors import ConfigFault
from flowforge.model.layer import Layer
from flowforge.model.reconciliation import Check, ReconciliationRule, ReconciliationTerm

TEXTS = st.one_of(st.none(), st.text(max_size=4))
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), max_size=12)


def hashed(values: dict[str, Any], *columns: str, schema: dict[str, Any] | None = None) -> str:
    return hash_of_rows(pl.LazyFrame(values, schema_overrides=schema), columns or list(values))


def by_hand(rows: list[tuple[str | None, str | None]]) -> str:
    """The sum, in Python's integers, of the hash of each row's text."""
    texts = ["".join("-" if part is None else f"{len(part.encode())}:{part}" for part in row) for row in rows]
    one = pl.DataFrame({"t": texts}, schema={"t": pl.String}).select(plh.NonCryptographicHashingNameSpace(pl.col("t")).xxh3_128())
    return f"{sum(one.to_series().to_list()) % 2**128:032x}"


def frame_of(rows: list[tuple[str | None, str | None]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(rows=PAIRS, cut=st.integers(0, 12), seed=st.integers(0, 9))
def test_a_hash_is_the_sum_over_rows_whatever_their_order_and_chunks(
    rows: list[tuple[str | None, str | None]], cut: int, seed: int
) -> None:
    frame = frame_of(rows)
    expected = by_hand(rows)
    assert hash_of_rows(frame.lazy(), ["a", "b"]) == expected
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    parts = pl.concat([shuffled[:cut], shuffled[cut:]], rechunk=False)
    assert hash_of_rows(parts.lazy(), ["a", "b"]) == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(PAIRS, PAIRS)
def test_two_sets_of_rows_share_a_hash_only_where_they_are_the_same(
    one: list[tuple[str | None, str | None]], two: list[tuple[str | None, str | None]]
) -> None:
    def multiset(rows: list[tuple[str | None, str | None]]) -> list[Any]:
        return sorted(rows, key=repr)

    equal = hash_of_rows(frame_of(one).lazy(), ["a", "b"]) == hash_of_rows(frame_of(two).lazy(), ["a", "b"])
    assert equal == (multiset(one) == multiset(two))


def test_a_row_that_is_there_twice_counts_twice() -> None:
    once, twice, thrice = (hashed({"a": ["x"] * count}) for count in (1, 2, 3))
    assert len({once, twice, thrice, hashed({"a": []}, schema={"a": pl.String})}) == 4


def test_the_text_of_a_value_does_not_follow_its_type() -> None:
    numbers: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
        ({"a": [1, 20, -3, None]}, None),
        ({"a": [1.0, 20.0, -3.0, None]}, None),
        ({"a": [Decimal(1), Decimal(20), Decimal(-3), None]}, {"a": pl.Decimal(20, 6)}),
        ({"a": ["1", "20", "-3", None]}, None),
    ]
    assert len({hashed(values, schema=schema) for values, schema in numbers}) == 1
    for count in (1, 2, 3, 50):
        signed, unsigned = {"a": [-0.0, 1.5] * count}, {"a": [Decimal("0.00"), Decimal("1.50")] * count}
        assert hashed(signed) == hashed(unsigned, schema={"a": pl.Decimal(9, 2)})
    moment = datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert (
        hashed({"a": [moment]}) == hashed({"a": [moment.replace(tzinfo=None)]}) == hashed({"a": ["2026-11-23T06:00:00.000000"]})
    )
    assert hashed({"a": [date(2026, 11, 23)]}) == hashed({"a": ["2026-11-23"]})
    assert hashed({"a": [True]}) == hashed({"a": ["true"]})
    assert hashed({"a": [None]}, schema={"a": pl.String}) != hashed({"a": [""]})


def test_lists_have_no_hash() -> None:
    with pytest.raises(ConfigFault, match="a holds List"):
        hashed({"a": [[1]]})


@pytest.mark.parametrize(
    ("values", "dtype", "total"),
    [
        ([Decimal("0.10")] * 3 + [None], pl.Decimal(8, 2), "0.3"),
        ([2**63 - 1] * 3, pl.Int64(), str(3 * (2**63 - 1))),
        ([0.1, 0.2], pl.Float64(), "0.30000000000000004"),
        ([-5, 5], pl.Int64(), "0"),
        ([100], pl.Int64(), "100"),
        ([None, None], pl.Int64(), "0"),
        ([None, None], pl.String(), "0"),
        ([], pl.Float64(), "0"),
        ([1e22], pl.Float64(), "10000000000000000000000"),
    ],
)
def test_a_sum_is_exact_text(values: list[Any], dtype: pl.DataType, total: str) -> None:
    frame = pl.LazyFrame({"a": values}, schema={"a": dtype})
    assert figure(frame, Check.SUM, ["a"], where="here") == total
    assert figure(frame, Check.COUNT, [], where="here") == str(len(values))


def test_a_column_that_has_no_figure_is_named() -> None:
    frame = pl.LazyFrame({"a": ["x"]})
    with pytest.raises(ConfigFault, match="'b' is no column of silver of job_a; it has a"):
        figure(frame, Check.SUM, ["b"], where="silver of job_a")
    with pytest.raises(ConfigFault, match="'a' of here is String, and a sum needs numbers"):
        figure(frame, Check.SUM, ["a"], where="here")


def term(value: str) -> ReconciliationTerm:
    return ReconciliationTerm(job_id="job_a", layer=Layer.SILVER, value=value)


@pytest.mark.parametrize(
    ("tolerance", "left", "right", "difference", "passed"),
    [
        ("0", "10", "10", "0", True),
        ("0", "10.5", "10", "0.5", False),
        ("10%", "100", "110", "-10", True),
        ("0", "nan", "nan", None, False),
    ],
)
def test_terms_are_compared_as_exact_numbers(tolerance: str, left: str, right: str, difference: str | None, passed: bool) -> None:
    rule = ReconciliationRule(name="r", reconciliation_column=("a",), tolerance=tolerance)
    outcome = compared(rule, term(left), term(right))
    assert (outcome.difference, outcome.passed) == (difference, passed)


def test_hashes_are_the_same_or_not() -> None:
    rule = ReconciliationRule(name="r", check=Check.HASH, reconciliation_column=("a",))
    assert compared(rule, term("0f"), term("0f")).passed
    assert not compared(rule, term("0f"), term("1f")).passed
    assert compared(rule, term("0f"), term("1f")).difference is None
