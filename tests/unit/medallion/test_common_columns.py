"""Files of one run come to common columns by policy, and to types that hold every value."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from flowforge.medallion.bronze_source import Audit, ReadInWhole
from flowforge.medallion.common_columns import aligned, common_columns, inexact, require_exact
from flowforge.medallion.common_type import NoCommonType, common_type
from flowforge.model.destination import SchemaEvolution
from flowforge.model.errors import DataFault
from flowforge.model.names import AUDIT_COLUMNS

LENIENT = [SchemaEvolution.ADD_NEW_COLUMNS, SchemaEvolution.IGNORE_EXTRA]


@dataclass(frozen=True)
class Told(ReadInWhole):
    """A source as far as its columns are asked for."""

    name: str
    types: dict[str, pl.DataType]
    records: int = 1
    notes: tuple[str, ...] = ()

    def frame(self, audit: Audit) -> pl.LazyFrame:
        raise NotImplementedError


def audit(rows: int) -> dict[str, list[str]]:
    return {name: ["audit"] * rows for name in AUDIT_COLUMNS}


INT, TEXT, FLOAT, NULL = pl.Int64(), pl.String(), pl.Float64(), pl.Null()


def test_the_same_columns_in_another_order_need_nothing() -> None:
    first, second = Told("a", {"id": INT, "b": TEXT}), Told("b", {"b": TEXT, "id": INT})
    common = common_columns([first, second], SchemaEvolution.STRICT)
    assert (dict(common.types), common.notes) == ({"id": INT, "b": TEXT}, ())
    frame = pl.LazyFrame({"b": ["x"], "id": [1], **audit(1)})
    assert aligned(frame, second.types, common.types) is frame


def test_strict_refuses_other_columns() -> None:
    with pytest.raises(DataFault, match=r"b has the column 'c', which a does not have"):
        common_columns([Told("a", {"id": INT}), Told("b", {"id": INT, "c": INT})], SchemaEvolution.STRICT)
    with pytest.raises(DataFault, match=r"b lacks the column 'id' of a"):
        common_columns([Told("a", {"id": INT, "c": INT}), Told("b", {"c": INT})], SchemaEvolution.STRICT)


@pytest.mark.parametrize("evolution", LENIENT)
def test_the_other_policies_keep_every_column_and_say_what_is_missing(evolution: SchemaEvolution) -> None:
    sources = [Told("a", {"id": INT, "x": TEXT}), Told("b", {"y": FLOAT, "id": INT})]
    common = common_columns(sources, evolution)
    assert list(common.types) == ["id", "x", "y"]
    assert common.notes == (
        "a lacks the column 'y' of the run's other files; it is null there",
        "b lacks the column 'x' of the run's other files; it is null there",
    )
    frame = pl.LazyFrame({"y": [0.5], "id": [1], **audit(1)})
    rows = aligned(frame, sources[1].types, common.types).collect()
    assert rows.schema["x"] == pl.String
    assert rows.rows() == [(1, None, 0.5, *["audit"] * 4)]


def test_a_source_without_columns_says_nothing() -> None:
    common = common_columns([Told("empty", {}), Told("a", {"id": INT})], SchemaEvolution.STRICT)
    assert (dict(common.types), common.notes) == ({"id": INT}, ())


def test_a_column_without_a_value_takes_the_others_type_and_text_where_there_is_none() -> None:
    sources = [Told("a", {"x": NULL, "y": NULL}), Told("b", {"x": INT, "y": NULL})]
    common = common_columns(sources, SchemaEvolution.STRICT)
    assert (dict(common.types), common.notes) == ({"x": INT, "y": TEXT}, ())


STRUCT = pl.Struct({"a": pl.Int64, "b": pl.List(pl.Null)})
WIDER = pl.Struct({"c": pl.String, "a": pl.Float64, "b": pl.List(pl.String)})


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (INT, FLOAT, FLOAT),
        (pl.Float32(), FLOAT, FLOAT),
        (pl.Int8(), pl.Int32(), pl.Int32()),
        (pl.UInt8(), pl.Int8(), pl.Int16()),
        (pl.UInt32(), INT, INT),
        (pl.UInt64(), INT, pl.Decimal(38, 0)),
        (pl.Decimal(10, 2), pl.Decimal(12, 4), pl.Decimal(12, 4)),
        (pl.Decimal(10, 2), INT, pl.Decimal(22, 2)),
        (pl.Date(), pl.Datetime("ms"), pl.Datetime("us")),
        (TEXT, INT, TEXT),
        (TEXT, FLOAT, TEXT),
        (TEXT, pl.Categorical(), TEXT),
        (STRUCT, WIDER, pl.Struct({"a": pl.Float64, "b": pl.List(pl.String), "c": pl.String})),
        (pl.Array(pl.Int32, 2), pl.List(pl.Int64), pl.List(pl.Int64)),
    ],
)
def test_two_types_meet_in_one_that_holds_both(one: pl.DataType, other: pl.DataType, expected: pl.DataType) -> None:
    assert common_type(one, other) == expected
    assert common_type(other, one).is_nested() or common_type(other, one) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pl.Decimal(38, 10), pl.Decimal(38, 2)),
        (pl.Decimal(10, 2), FLOAT),
        (pl.Boolean(), INT),
        (pl.Datetime("us", "UTC"), pl.Datetime("us")),
        (pl.Datetime("us", "UTC"), pl.Date()),
        (pl.Datetime("ns"), pl.Datetime("us")),
        (STRUCT, TEXT),
        (pl.Binary(), TEXT),
        (pl.List(pl.Int64), INT),
        (pl.Time(), pl.Date()),
    ],
)
def test_types_that_would_lose_something_are_refused(one: pl.DataType, other: pl.DataType) -> None:
    for pair in ((one, other), (other, one)):
        with pytest.raises(NoCommonType):
            common_type(*pair)
    with pytest.raises(DataFault, match=r"second: the column 'x' is .* which have no type in common"):
        common_columns([Told("first", {"x": one}), Told("second", {"x": other})], SchemaEvolution.STRICT)


@pytest.mark.parametrize(
    ("values", "carried", "common", "expected"),
    [
        ([1, None], INT, FLOAT, [1.0, None]),
        ([1, None], INT, TEXT, ["1", None]),
        ([True, None], pl.Boolean(), TEXT, ["true", None]),
        ([2**64 - 1], pl.UInt64(), pl.Decimal(38, 0), [Decimal(2**64 - 1)]),
        (
            [{"a": 1, "b": [None]}, None, {"a": None, "b": []}],
            STRUCT,
            common_type(STRUCT, WIDER),
            [{"a": 1.0, "b": [None], "c": None}, None, {"a": None, "b": [], "c": None}],
        ),
        ([[{"a": 1, "b": None}], [], None], pl.List(STRUCT), pl.List(WIDER), [[{"c": None, "a": 1.0, "b": None}], [], None]),
        ([[1, 2], None], pl.Array(pl.Int32, 2), pl.List(pl.Int64), [[1, 2], None]),
    ],
)
def test_values_come_to_the_common_type_unchanged(
    values: list[Any], carried: pl.DataType, common: pl.DataType, expected: list[Any]
) -> None:
    frame = pl.LazyFrame({"x": pl.Series(values, dtype=carried), **audit(len(values))})
    column = aligned(frame, {"x": carried}, {"x": common}).collect()["x"]
    assert column.dtype == common
    assert column.to_list() == expected


def test_a_whole_number_that_a_float_cannot_hold_is_named() -> None:
    carried, common = {"x": INT, "y": pl.Int16()}, {"x": FLOAT, "y": FLOAT}
    assert inexact(carried, common) == ["x"]
    frame = pl.LazyFrame({"x": [1, 2**53, 2**53 + 1], "_row_number": [1, 2, 3]})
    with pytest.raises(DataFault, match="orders: row 3: 'x' is 9007199254740993 here") as caught:
        require_exact(frame, ["x"], file="orders")
    assert (caught.value.row, caught.value.column) == (3, "x")
    require_exact(frame.head(2), ["x"], file="orders")
