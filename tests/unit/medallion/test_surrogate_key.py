"""The surrogate key against hashlib."""

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.surrogate_key import surrogate_key
from silver_frames import contract, job, judged


def by_hashlib(*texts: str | None) -> str:
    encoded = "".join("-" if text is None else f"{len(text.encode())}:{text}" for text in texts)
    return hashlib.sha256(encoded.encode()).hexdigest()[:32]


def keys_of(frame: pl.DataFrame) -> list[str]:
    return frame.lazy().select(surrogate_key(frame.columns, frame.schema)).collect().to_series().to_list()


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        ("", pl.String(), ""),
        ("größe", pl.String(), "größe"),
        ("1:a", pl.String(), "1:a"),
        (-5, pl.Int64(), "-5"),
        (True, pl.Boolean(), "true"),
        (date(2026, 1, 5), pl.Date(), "2026-01-05"),
        (datetime(2026, 1, 5, 10, tzinfo=UTC), pl.Datetime("us", "UTC"), "2026-01-05T10:00:00.000000"),
        (datetime(2026, 1, 5, 10, 0, 0, 25), pl.Datetime("us"), "2026-01-05T10:00:00.000025"),  # noqa: DTZ001
        (Decimal("1.50"), pl.Decimal(8, 2), "1.50"),
        (None, pl.Int64(), None),
    ],
)
def test_the_key_is_the_sha_256_of_lengths_and_texts(value: Any, dtype: pl.DataType, text: str | None) -> None:
    assert keys_of(pl.DataFrame({"k": [value]}, schema={"k": dtype})) == [by_hashlib(text)]


def test_the_key_of_several_columns_follows_their_order() -> None:
    frame = pl.DataFrame({"a": ["x"], "b": [7]})
    assert keys_of(frame) == [by_hashlib("x", "7")]
    assert keys_of(frame.select("b", "a")) == [by_hashlib("7", "x")]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.tuples(*[st.one_of(st.none(), st.text(alphabet="1:-aä", max_size=4))] * 3), max_size=30, unique=True))
def test_different_keys_have_different_surrogates(rows: list[tuple[str | None, ...]]) -> None:
    frame = pl.DataFrame([list(row) for row in rows], schema=dict.fromkeys("abc", pl.String()), orient="row")
    keys = keys_of(frame)
    assert keys == [by_hashlib(*row) for row in rows]
    assert len(set(keys)) == len(rows)


def test_the_same_key_in_another_text_form_has_the_same_surrogate() -> None:
    columns = contract(id="integer", amount="decimal(8,2)")
    _, first, _ = judged([("7", "1.5"), (" 08", "2")], columns, job(key=["id", "amount"]))
    _, second, _ = judged([("007", "1.50"), ("8 ", "2.000")], columns, job(key=["id", "amount"]))
    assert first["_sk_id"].to_list() == second["_sk_id"].to_list() == [by_hashlib("7", "1.50"), by_hashlib("8", "2.00")]
