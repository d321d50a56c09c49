"""A merged table in the types of a newer contract: whole, or not at all."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from flowforge.medallion.merge import align_to_contract
from flowforge.model.contract import ContractColumn, DataType
from flowforge.model.errors import ConfigFault
from silver_frames import contract

AUDIT = {
    "_ingested_at": datetime(2026, 1, 1, tzinfo=UTC),
    "_source_file": "orders.csv",
    "_row_number": 1,
    "_run_id": "run",
    "_sk_id": "0" * 32,
}


def table_of(**columns: pl.Series) -> pl.LazyFrame:
    return pl.DataFrame(columns).with_columns(pl.lit(value).alias(name) for name, value in AUDIT.items()).lazy()


def aligned(column: pl.Series, data_type: str) -> list[Any]:
    frame = align_to_contract(table_of(c=column), contract(c=data_type), ["_sk_id"], name="the table")
    return frame.collect()["c"].to_list()


@pytest.mark.parametrize(
    ("column", "data_type", "values"),
    [
        (pl.Series([None, None], dtype=pl.String()), "integer", [None, None]),
        (pl.Series([None], dtype=pl.String()), "date", [None]),
        (pl.Series([1, None]), "float", [1.0, None]),
        (pl.Series([1, -7]), "text", ["1", "-7"]),
        (pl.Series([1.0, 2.0]), "integer", [1, 2]),
        (pl.Series([Decimal("1.50")], dtype=pl.Decimal(8, 2)), "decimal(12,4)", [Decimal("1.5000")]),
        (pl.Series([Decimal("1.50")], dtype=pl.Decimal(8, 2)), "decimal(8,1)", [Decimal("1.5")]),
        (pl.Series(["12", None]), "integer", [12, None]),
        (pl.Series([date(2026, 1, 5)]), "text", ["2026-01-05"]),
    ],
)
def test_a_type_that_holds_every_value_is_taken(column: pl.Series, data_type: str, values: list[Any]) -> None:
    assert aligned(column, data_type) == values


@pytest.mark.parametrize(
    ("column", "data_type"),
    [
        (pl.Series([1.5]), "integer"),
        (pl.Series(["a"]), "integer"),
        (pl.Series(["007"]), "integer"),
        (pl.Series([2**53 + 1]), "float"),
        (pl.Series([Decimal("1.56")], dtype=pl.Decimal(8, 2)), "decimal(8,1)"),
        (pl.Series([Decimal("1.56")], dtype=pl.Decimal(8, 2)), "integer"),
        (pl.Series([1234567]), "decimal(5,0)"),
        (pl.Series([datetime(2026, 1, 5, 10)]), "date"),  # noqa: DTZ001
        (pl.Series([True]), "date"),
    ],
)
def test_a_type_that_would_lose_a_value_is_refused_with_the_columns_name(column: pl.Series, data_type: str) -> None:
    with pytest.raises(ConfigFault, match=f"c is .*{data_type[:4]}.*1 of its values in the table do not fit") as caught:
        aligned(column, data_type)
    assert caught.value.column == "c"


@pytest.mark.parametrize("columns", [["a"], ["a", "renamed"]])
def test_other_columns_than_the_contracts_need_a_rebuild(columns: list[str]) -> None:
    table = table_of(a=pl.Series(["1"]), c=pl.Series(["2"]))
    wanted = [ContractColumn(name=name, source=name, data_type=DataType.parse("text")) for name in columns]
    with pytest.raises(ConfigFault, match="needs a rebuild"):
        align_to_contract(table, wanted, ["_sk_id"], name="the table")


def test_the_contracts_order_is_the_new_order() -> None:
    table = table_of(a=pl.Series(["1"]), b=pl.Series(["2"]))
    frame = align_to_contract(table, contract(b="text", a="text"), ["_sk_id"], name="the table").collect()
    assert frame.columns == ["b", "a", *AUDIT]
