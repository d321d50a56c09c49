"""Every polars type, the type in which it is written, and the type that Athena has for it."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from polars.datatypes import DataType

from flowforge.medallion.athena_types import as_readable, athena_type, plain_names, readable_type

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456)  # noqa: DTZ001 -- the type has no zone
TYPES: list[tuple[DataType, Any, str, Any]] = [
    # polars type, a value, Athena's type, the value that DuckDB reads from the file
    (pl.Boolean(), True, "boolean", True),
    (pl.Int8(), -128, "tinyint", -128),
    (pl.Int16(), -32768, "smallint", -32768),
    (pl.Int32(), -(2**31), "int", -(2**31)),
    (pl.Int64(), -(2**63), "bigint", -(2**63)),
    (pl.Int128(), 10**38 - 1, "decimal(38,0)", Decimal(10**38 - 1)),
    (pl.UInt8(), 255, "smallint", 255),
    (pl.UInt16(), 65535, "int", 65535),
    (pl.UInt32(), 2**32 - 1, "bigint", 2**32 - 1),
    (pl.UInt64(), 2**64 - 1, "decimal(20,0)", Decimal(2**64 - 1)),
    (pl.UInt128(), 10**38 - 1, "decimal(38,0)", Decimal(10**38 - 1)),
    (pl.Float16(), 1.5, "float", 1.5),
    (pl.Float32(), 1.5, "float", 1.5),
    (pl.Float64(), 0.1, "double", 0.1),
    (pl.Decimal(12, 2), Decimal("1.50"), "decimal(12,2)", Decimal("1.50")),
    (pl.String(), "ä", "string", "ä"),
    (pl.Binary(), b"\x00\xff", "binary", b"\x00\xff"),
    (pl.Date(), date(2026, 11, 23), "date", date(2026, 11, 23)),
    (pl.Time(), time(1, 2, 3, 456789), "string", "01:02:03.456789"),
    (pl.Datetime("ms"), NOON.replace(microsecond=0), "timestamp", NOON.replace(microsecond=0)),
    (pl.Datetime("us"), NOON, "timestamp", NOON),
    (pl.Datetime("ns"), NOON, "timestamp", NOON),
    (pl.Datetime("us", "UTC"), NOON.replace(tzinfo=UTC), "timestamp", 1_795_435_200_123_456),
    (pl.Duration("ms"), timedelta(seconds=1.5), "bigint", 1_500_000),
    (pl.Duration("us"), timedelta(seconds=1.5), "bigint", 1_500_000),
    (pl.Duration("ns"), timedelta(seconds=1.5), "bigint", 1_500_000),
    (pl.Categorical(), "de", "string", "de"),
    (pl.Enum(["de", "fr"]), "fr", "string", "fr"),
    (pl.Null(), None, "string", None),
    (pl.List(pl.UInt8()), [1, None], "array<smallint>", [1, None]),
    (pl.List(pl.List(pl.Time())), [[time(1)], None], "array<array<string>>", [["01:00:00.000000"], None]),
    (pl.Array(pl.UInt16(), 2), [1, 2], "array<int>", [1, 2]),
    (pl.Struct({"a": pl.UInt32(), "b": pl.String()}), {"a": 1, "b": "x"}, "struct<a:bigint,b:string>", {"a": 1, "b": "x"}),
    (
        pl.List(pl.Struct({"Unit Price": pl.Float64(), "unit:price": pl.UInt8(), "1st": pl.String()})),
        [{"Unit Price": 1.5, "unit:price": 2, "1st": "x"}, None],
        "array<struct<unit_price:double,unit_price_2:smallint,_1st:string>>",
        [{"unit_price": 1.5, "unit_price_2": 2, "_1st": "x"}, None],
    ),
    (pl.Struct({}), {}, "string", None),
    (pl.Map(pl.String(), pl.UInt8()), {"a": 1}, "map<string,smallint>", {"a": 1}),
]


def test_columns_of_all_types_are_written_as_athena_reads_them(tmp_path: Path) -> None:
    columns = {f"c{number}": pl.Series([value, None], dtype=dtype) for number, (dtype, value, *_) in enumerate(TYPES)}
    written = as_readable(pl.LazyFrame(columns))
    written.sink_parquet(tmp_path / "file.parquet", engine="streaming")
    schema = pl.read_parquet_schema(tmp_path / "file.parquet")
    # DuckDB shows an instant in the machine's time zone, so it is asked for the microseconds.
    zoned = next(f"c{number}" for number, (dtype, *_) in enumerate(TYPES) if dtype == pl.Datetime("us", "UTC"))
    with duckdb.connect() as duck:
        first, second = duck.execute(f"SELECT * REPLACE (epoch_us({zoned}) AS {zoned}) FROM '{tmp_path}/file.parquet'").fetchall()
    for number, (dtype, _, athena, read) in enumerate(TYPES):
        assert athena_type(written.collect_schema()[f"c{number}"]) == athena, dtype
        assert athena_type(schema[f"c{number}"]) == athena, f"{dtype} in the file"
        assert first[number] == read, dtype
    assert set(second) == {None}


def test_the_table_holds_every_type_that_polars_has() -> None:
    every = {kind for kind in vars(pl).values() if isinstance(kind, type) and issubclass(kind, DataType) and kind is not DataType}
    # Extension types are written as what they extend; Object and Unknown can be in no file; Utf8 is String.
    beside = {pl.Object, pl.Unknown, pl.Extension, pl.datatypes.BaseExtension}
    assert every - {type(dtype) for dtype, *_ in TYPES} - beside == set()


def test_the_documentation_lists_every_type(request: pytest.FixtureRequest) -> None:
    page = (request.config.rootpath / "docs/reference/catalog.md").read_text()
    for dtype, _, athena, _ in TYPES:
        name = type(dtype).__name__
        kind = re.split(r"[(<]", athena)[0]
        assert re.search(rf"^\| [^|]*`{name}`[^|]*\| `{kind}", page, re.MULTILINE), f"{name} is {athena}"


def test_digits_below_the_microsecond_are_cut_off() -> None:
    frame = pl.DataFrame({"at": pl.Series([1_999], dtype=pl.Int64).cast(pl.Datetime("ns"))})
    assert as_readable(frame.lazy()).collect()["at"].cast(pl.Int64).to_list() == [1]


def test_an_integer_of_39_digits_is_an_error_and_no_null() -> None:
    frame = pl.DataFrame({"big": pl.Series([10**38], dtype=pl.Int128)})
    with pytest.raises(pl.exceptions.InvalidOperationError):
        as_readable(frame.lazy()).collect()


def test_a_frame_that_athena_reads_is_left_as_it_is() -> None:
    frame = pl.LazyFrame({"a": [1], "b": ["x"]})
    assert as_readable(frame) is frame


def test_what_no_file_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        readable_type(pl.Object())
    with pytest.raises(ValueError, match="Athena reads no"):
        athena_type(pl.UInt8())


def test_names_of_fields_stay_apart() -> None:
    assert plain_names(["A", "a", "a_2", "", "ä b"]) == ["a", "a_2", "a_2_2", "_", "__b"]
