"""Typed columns of Bronze in the contract's types."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from flowforge.medallion.canonical_text import canonical_text
from flowforge.medallion.casts import polars_type
from flowforge.medallion.inference import infer_types
from flowforge.medallion.typed_casts import cast_value, value_misfit
from flowforge.model.contract import DataType

MIDNIGHT = datetime(2026, 1, 31)  # noqa: DTZ001
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NAN, INFINITE = float("nan"), float("inf")
MISFIT = "misfit"


def cast_to(series: pl.Series, data_type: str) -> list[Any]:
    """The values in the type; MISFIT where one that is not empty has none."""
    wanted, column = DataType.parse(data_type), pl.col("x")
    typed = cast_value(column, series.dtype, wanted, declared=True)
    frame = (
        series.alias("x").to_frame().lazy().select(typed.alias("typed"), value_misfit(column, series.dtype, typed).alias("odd"))
    )
    cells = frame.collect(engine="streaming")
    assert cells.schema["typed"] == polars_type(wanted)
    return [MISFIT if odd else value for value, odd in cells.rows()]


@pytest.mark.parametrize(
    ("values", "dtype", "data_type", "expected"),
    [
        ([1, 2**63, None], pl.UInt64, "integer", [1, MISFIT, None]),
        ([1, 2**64 - 1], pl.UInt64, "decimal(20,0)", [Decimal(1), Decimal(2**64 - 1)]),
        ([1.0, 2.5, NAN, INFINITE], pl.Float64, "integer", [1, MISFIT, None, MISFIT]),
        ([1.0, NAN, INFINITE], pl.Float64, "float", [1.0, None, MISFIT]),
        ([0.25], pl.Float32, "float", [0.25]),
        ([0.1, 2.125], pl.Float64, "decimal(5,2)", [Decimal("0.10"), MISFIT]),
        ([2**53 + 1, 5], pl.Int64, "float", [MISFIT, 5.0]),
        ([Decimal("1.500"), Decimal("1.555")], pl.Decimal(10, 3), "decimal(5,2)", [Decimal("1.50"), MISFIT]),
        ([Decimal("2.000"), Decimal("1.500")], pl.Decimal(10, 3), "integer", [2, MISFIT]),
        ([True, None], pl.Boolean, "boolean", [True, None]),
        ([True], pl.Boolean, "integer", [MISFIT]),
        ([1, 0, 2], pl.Int8, "boolean", [True, False, MISFIT]),
        ([date(2026, 1, 31)], pl.Date, "timestamp", [MIDNIGHT]),
        ([MIDNIGHT, MIDNIGHT + timedelta(hours=1)], pl.Datetime("ms"), "date", [date(2026, 1, 31), MISFIT]),
        ([NOON], pl.Datetime("us", "UTC"), "timestamptz", [NOON]),
        ([NOON], pl.Datetime("us", "UTC"), "timestamp", [NOON.replace(tzinfo=None)]),
        ([MIDNIGHT], pl.Datetime("us"), "timestamptz", [MISFIT]),
        (["007", "x"], pl.Categorical, "integer", [7, MISFIT]),
        ([5, None], pl.Int16, "text", ["5", None]),
        ([None, None], pl.Null, "text", [None, None]),
    ],
)
def test_a_value_comes_over_unchanged_or_is_a_misfit(values: list[Any], dtype: Any, data_type: str, expected: list[Any]) -> None:
    assert cast_to(pl.Series(values, dtype=dtype), data_type) == expected


def test_nanoseconds_that_microseconds_do_not_hold_are_a_misfit_and_make_the_column_text() -> None:
    fine = pl.Series([1_000, 1_001]).cast(pl.Datetime("ns"))
    assert cast_to(fine, "timestamp") == [datetime(1970, 1, 1, 0, 0, 0, 1), MISFIT]  # noqa: DTZ001
    frame = pl.LazyFrame({"fine": fine, "coarse": fine.dt.truncate("1us")})
    inference = infer_types(frame, ["fine", "coarse"])
    assert {name: str(data_type) for name, data_type in inference.types.items()} == {"fine": "text", "coarse": "timestamp"}
    assert inference.notes == ["fine: its timestamps are finer than microseconds, so it stays text"]


@pytest.mark.parametrize(
    ("dtype", "expected", "noted"),
    [
        (pl.Int8, "integer", False),
        (pl.UInt32, "integer", False),
        (pl.UInt64, "decimal(20,0)", True),
        (pl.Int128, "decimal(38,0)", True),
        (pl.Float32, "float", False),
        (pl.Decimal(10, 2), "decimal(10,2)", False),
        (pl.Boolean, "boolean", False),
        (pl.Date, "date", False),
        (pl.Datetime("ms"), "timestamp", False),
        (pl.Datetime("us", "Europe/Berlin"), "timestamptz", False),
        (pl.Time, "text", True),
        (pl.Duration, "text", True),
        (pl.Binary, "text", True),
        (pl.List(pl.Int64), "text", True),
        (pl.Struct({"a": pl.Int64}), "text", True),
        (pl.Categorical, "text", False),
        (pl.Null, "undetermined", False),
    ],
)
def test_a_column_keeps_the_type_that_bronze_carries(dtype: Any, expected: str, noted: bool) -> None:
    inference = infer_types(pl.LazyFrame({"x": []}, schema={"x": dtype}), ["x"])
    assert (str(inference.types["x"]), bool(inference.notes)) == (expected, noted)


def test_lists_and_records_are_json() -> None:
    series = pl.Series(
        [{"day": date(2026, 1, 31), "bytes": b"\xff", "list": [1, None], "more": [{"x": 1.5}], "text": 'a"b'}, None]
    )
    first, second = series.alias("x").to_frame().select(canonical_text(pl.col("x"), series.dtype)).to_series()
    assert json.loads(first) == {"day": "2026-01-31", "bytes": "/w==", "list": [1, None], "more": [{"x": 1.5}], "text": 'a"b'}
    assert second is None
    lists = pl.Series("x", [[1, 2], [], None])
    assert lists.to_frame().select(canonical_text(pl.col("x"), lists.dtype)).to_series().to_list() == ["[1,2]", "[]", None]


def test_times_and_bytes_have_one_text() -> None:
    frame = pl.DataFrame(
        {"t": [time(1, 2)], "d": [timedelta(days=1, seconds=3)], "b": [b"\x00\xff"], "z": [NOON], "m": [MIDNIGHT]}
    )
    texts = frame.select(canonical_text(pl.col(name), dtype) for name, dtype in frame.schema.items()).row(0)
    assert texts == ("01:02:00", "P1DT3S", "AP8=", "2026-01-31 12:00:00+00:00", "2026-01-31 00:00:00")
