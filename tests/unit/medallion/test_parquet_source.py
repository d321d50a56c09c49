"""Parquet keeps the types it carries; pyarrow writes the files and says what is in them."""

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.parquet_source import ParquetSource, examine_parquet
from flowforge.model.errors import DataFault
from stored_files import AUDIT, bronze_rows, stored


def parquet(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def source_of(content: bytes, folder: Path) -> ParquetSource:
    return examine_parquet(stored(content, "orders.parquet", path=folder / "orders.parquet"))


NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
TYPES = [
    (pa.decimal128(38, 2), [Decimal("1.23"), None], pl.Decimal(38, 2)),
    (pa.timestamp("us", "Europe/Zurich"), [NOON, None], pl.Datetime("us", "Europe/Zurich")),
    (pa.timestamp("ns"), [NOON.replace(tzinfo=None), None], pl.Datetime("ns")),
    (pa.uint64(), [2**64 - 1, None], pl.UInt64()),
    (pa.int8(), [-128, None], pl.Int8()),
    (pa.float32(), [1.5, None], pl.Float32()),
    (pa.binary(4), [b"a\xffcd", None], pl.Binary()),
    (pa.dictionary(pa.int32(), pa.string()), ["x", None], pl.Categorical()),
    (pa.date32(), [dt.date(1969, 7, 20), None], pl.Date()),
    (pa.time64("us"), [dt.time(1, 2, 3), None], pl.Time()),
    (pa.list_(pa.struct([("a", pa.int64())])), [[{"a": 1}, None], None], pl.List(pl.Struct({"a": pl.Int64}))),
    (pa.list_(pa.int32(), 2), [[1, 2], None], pl.Array(pl.Int32, 2)),
    (pa.null(), [None, None], pl.String()),
    (pa.list_(pa.null()), [[None], []], pl.List(pl.String)),
    (pa.struct([("a", pa.null()), ("b", pa.int64())]), [{"a": None, "b": 1}, None], pl.Struct({"a": pl.String, "b": pl.Int64})),
]


@pytest.mark.parametrize(("arrow_type", "values", "kept"), TYPES, ids=[str(case[0]) for case in TYPES])
def test_a_type_stays_what_it_is(tmp_path: Path, arrow_type: pa.DataType, values: list[Any], kept: pl.DataType) -> None:
    rows = bronze_rows(source_of(parquet(pa.table({"a": pa.array(values, arrow_type)})), tmp_path))
    assert rows["a"].dtype == kept
    assert rows["a"].to_list() == values


def test_the_timestamps_of_older_writers_keep_years_that_nanoseconds_cannot_hold(tmp_path: Path) -> None:
    values = [dt.datetime(9999, 12, 31), dt.datetime(1, 1, 1), None]  # noqa: DTZ001
    content = parquet(pa.table({"a": pa.array(values, pa.timestamp("us"))}), use_deprecated_int96_timestamps=True)
    assert bronze_rows(source_of(content, tmp_path))["a"].to_list() == values


def test_rows_keep_their_order_over_row_groups_and_are_counted_by_the_footer(tmp_path: Path) -> None:
    content = parquet(pa.table({"a": list(range(1_000))}), row_group_size=64)
    source = source_of(content, tmp_path)
    assert source.records == 1_000
    assert bronze_rows(source)["a"].to_list() == list(range(1_000))


def test_a_file_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    source = source_of(parquet(pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.string())})), tmp_path)
    assert source.records == 0
    assert bronze_rows(source).schema == {"a": pl.Int64, "b": pl.String}


def test_columns_of_odd_names_are_read_by_position(tmp_path: Path) -> None:
    table = pa.table({"*": [1], "^x$": [2], " a ": [3], "": [4], "_row_number": [5], "a": [6]})
    source = source_of(parquet(table), tmp_path)
    assert list(source.types) == ["*", "^x$", "a", "column_4", "_row_number", "a_2"]
    frame = source.frame(AUDIT)
    with pytest.raises(pl.exceptions.DuplicateError):
        frame.collect()
    kept = source_of(parquet(table.drop_columns(["_row_number"])), tmp_path)
    assert bronze_rows(kept).rows() == [(1, 2, 3, 4, 6)]
    assert "columns were renamed: ' a ' is 'a', '' is 'column_4', 'a' is 'a_2'" in kept.notes[0]


WHOLE = parquet(pa.table({"a": [1, 2, 3]}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[:-1], "its end is missing"),
        (WHOLE[:20], "its end is missing"),
        (b"PAR1", "its end is missing"),
        (WHOLE[:4] + WHOLE[30:], "File out of specification"),
        (WHOLE[:-8] + b"\xff\xff\xff\x7fPAR1", "does not fit it"),
        (WHOLE[:-8] + b"\x00\x00\x00\x00PAR1", "does not fit it"),
        (WHOLE[:-40] + b"\xff" * 32 + WHOLE[-8:], "damaged|out of specification"),
        (WHOLE[:-4] + b"PARE", "encrypted"),
        (parquet(pa.table({})), "it has no columns"),
        (parquet(pa.table([[1], [2]], names=["a", "a"])), "more than one occurrence"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises((DataFault, pl.exceptions.PolarsError), match=message):
        bronze_rows(source_of(content, tmp_path))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=4))
def test_a_file_with_wrong_bytes_is_read_with_all_its_rows_or_refused(
    tmp_path_factory: pytest.TempPathFactory, position: int, wrong: bytes
) -> None:
    content = WHOLE[:position] + wrong + WHOLE[position + len(wrong) :]
    folder = tmp_path_factory.getbasetemp()
    try:
        source = source_of(content, folder)
        rows = bronze_rows(source)
    except (DataFault, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        # The steps make a DataFault of each.
        return
    assert rows.height == source.records
