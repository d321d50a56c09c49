"""The surrogate key against published vectors, Python's uuid module, and the encoding written out by hand."""

import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.surrogate_key import NAMESPACE, encoded_key, hexadecimal_hash, surrogate_key
from flowforge.medallion.surrogate_key_column import numbered
from flowforge.model.silver_config import SurrogateKeyStrategy
from silver_frames import contract, job, judged


def encoded(*texts: str | None) -> str:
    return "".join("-" if text is None else f"{len(text.encode())}:{text}" for text in texts)


def texts_of(frame: pl.DataFrame) -> list[str]:
    return frame.lazy().select(encoded_key(frame.columns, frame.schema)).collect().to_series().to_list()


def keys_of(frame: pl.DataFrame, strategy: SurrogateKeyStrategy = SurrogateKeyStrategy.HASH) -> list[str]:
    return frame.lazy().select(surrogate_key(strategy, frame.columns, frame.schema)).collect().to_series().to_list()


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        # XXH3 of 128 bits, seed 0, as the xxHash library and its bindings print it.
        ("", "99aa06d3014798d86001c324468d497f"),
        ("a", "a96faf705af16834e6c632b61e964e1f"),
    ],
)
def test_the_hash_is_the_published_one(text: str, digits: str) -> None:
    assert pl.select(hexadecimal_hash(pl.lit(text))).item() == digits


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        ("", pl.String(), ""),
        ("größe", pl.String(), "größe"),
        ("1:a", pl.String(), "1:a"),
        ("1.50", pl.String(), "1.50"),
        (-5, pl.Int64(), "-5"),
        (True, pl.Boolean(), "true"),
        (date(2026, 1, 5), pl.Date(), "2026-01-05"),
        (datetime(2026, 1, 5, 10, tzinfo=UTC), pl.Datetime("us", "UTC"), "2026-01-05T10:00:00.000000"),
        (datetime(2026, 1, 5, 10, 0, 0, 25), pl.Datetime("us"), "2026-01-05T10:00:00.000025"),  # noqa: DTZ001
        (Decimal("1.50"), pl.Decimal(8, 2), "1.5"),
        (Decimal("-100.00"), pl.Decimal(8, 2), "-100"),
        (Decimal("0.05"), pl.Decimal(8, 2), "0.05"),
        (Decimal(1200), pl.Decimal(8, 0), "1200"),
        (1.5, pl.Float64(), "1.5"),
        (-0.0, pl.Float64(), "0"),
        (1e17, pl.Float64(), "100000000000000000"),
        (None, pl.Int64(), None),
    ],
)
def test_a_value_is_written_with_its_length_in_one_form(value: Any, dtype: pl.DataType, text: str | None) -> None:
    assert texts_of(pl.DataFrame({"k": [value]}, schema={"k": dtype})) == [encoded(text)]


@pytest.mark.parametrize(
    "forms",
    [
        [(1, pl.Int64()), (1.0, pl.Float64()), ("1", pl.String()), (Decimal("1.00"), pl.Decimal(9, 2))],
        [(Decimal("2.5"), pl.Decimal(8, 2)), (Decimal("2.500"), pl.Decimal(12, 3)), (2.5, pl.Float64())],
        [(date(2026, 1, 5), pl.Date()), (datetime(2026, 1, 5), pl.Datetime("us"))],  # noqa: DTZ001
        [(10**17, pl.Int64()), (1e17, pl.Float64()), (str(10**17), pl.String())],
    ],
)
def test_a_key_keeps_its_surrogate_when_its_column_gets_a_wider_type(forms: list[tuple[Any, pl.DataType]]) -> None:
    keys = [keys_of(pl.DataFrame({"k": [value]}, schema={"k": dtype})) for value, dtype in forms]
    assert keys == [keys[0]] * len(forms)


def test_the_key_of_several_columns_follows_their_order() -> None:
    frame = pl.DataFrame({"a": ["x"], "b": [7]})
    assert texts_of(frame) == [encoded("x", "7")]
    assert texts_of(frame.select("b", "a")) == [encoded("7", "x")]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(*[st.one_of(st.none(), st.text(alphabet="1:-aä", max_size=4))] * 3), max_size=30, unique=True))
def test_different_keys_have_different_surrogates(rows: list[tuple[str | None, ...]]) -> None:
    frame = pl.DataFrame([list(row) for row in rows], schema=dict.fromkeys("abc", pl.String()), orient="row")
    assert texts_of(frame) == [encoded(*row) for row in rows]
    assert len(set(keys_of(frame))) == len(rows)
    assert keys_of(frame, SurrogateKeyStrategy.UUID) == [str(uuid.uuid5(NAMESPACE, encoded(*row))) for row in rows]


def test_the_same_key_in_another_text_form_has_the_same_surrogate() -> None:
    columns = contract(id="integer", amount="decimal(8,2)")
    _, first, _ = judged([("7", "1.5"), (" 08", "2")], columns, job(key=["id", "amount"]))
    _, second, _ = judged([("007", "1.50"), ("8 ", "2.000")], columns, job(key=["id", "amount"]))
    assert first["_sk_id"].to_list() == second["_sk_id"].to_list()
    assert first["_sk_id"].str.len_chars().to_list() == [32, 32]


def test_an_existing_surrogate_key_adds_no_column_and_is_there_once() -> None:
    configured = job(key=["id"], surrogateKeyStrategy="use_existing", surrogateKeyColumn="sk")
    rows = [("1", "a"), ("2", "b"), ("3", "b"), ("4", None)]
    verdict, accepted, quarantine = judged(rows, contract(id="integer", sk="text"), configured)
    assert accepted.select("id", "sk").rows() == [(1, "a")]
    assert accepted.columns == ["id", "sk", "_ingested_at", "_source_file", "_row_number", "_run_id"]
    assert quarantine["_failed_rules"].to_list() == [
        ["surrogate_key_is_unique(sk)"],
        ["surrogate_key_is_unique(sk)"],
        ["surrogate_key_is_there(sk)"],
    ]
    assert verdict.quarantined == 3


def test_numbers_of_known_keys_stay_and_new_ones_go_on_in_the_order_of_the_rows() -> None:
    rows = pl.DataFrame({"_position": [4, 0, 2, 7]})
    known = pl.DataFrame({"_position": [2], "_sk_id": [1]})
    assert numbered(rows, known, "_sk_id", maximum=5).rows() == [(0, 6), (2, 1), (4, 7), (7, 8)]
