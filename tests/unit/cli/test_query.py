"""What ``flowforge query`` writes of an answer, in each form."""

import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest
from rich.console import Console

from flowforge.cli.lake_access import LakeAccess
from flowforge.cli.query import ResultFormat, query
from flowforge.cli.usage import UsageError
from flowforge.lake.athena import QueryAnswer, QueryCost, ResultColumn, Row
from flowforge.lake.catalog import Catalog

COLUMNS = [
    ResultColumn("id", "bigint"),
    ResultColumn("price", "decimal"),
    ResultColumn("share", "double"),
    ResultColumn("sold", "boolean"),
    ResultColumn("day", "date"),
    ResultColumn("at", "timestamp"),
    ResultColumn("note", "varchar"),
]
ROWS: list[Row] = [
    ("1", "10.50", "0.1", "true", "2026-11-23", "2026-11-23 12:00:00.000", 'a "quoted", note'),
    ("9007199254740993", None, "NaN", "false", None, "2026-11-23 12:00:00.123456", ""),
    (None, "2", None, None, None, None, None),
]


class Asked:
    """Answers every query with the rows above, and remembers it."""

    def __init__(self) -> None:
        self.database = ""

    def query(self, sql: str, *, database: str) -> QueryAnswer:  # noqa: ARG002
        self.database = database
        rows: Iterator[Row] = iter(ROWS)
        return QueryAnswer("q-1", COLUMNS, rows, QueryCost(25_000_001, 1.5))


def ask(form: ResultFormat, output: Path | None = None, database: str | None = None) -> tuple[str, str, str]:
    """What goes to the screen, what goes to standard error, and the database that was asked."""
    asked, screen, errors = Asked(), io.StringIO(), io.StringIO()
    access = SimpleNamespace(athena=asked, catalog=Catalog("qa", lambda: pytest.fail("nobody asks Glue")))
    status = query(
        cast(LakeAccess, access),
        "SELECT",
        database=database,
        form=form,
        output=output,
        console=Console(file=screen, width=200),
        errors=Console(file=errors, width=200),
    )
    assert status == 0
    return screen.getvalue(), errors.getvalue(), asked.database


def test_a_table_shows_rows_and_what_they_cost() -> None:
    screen, errors, database = ask(ResultFormat.TABLE)
    assert 'a "quoted", note' in screen
    assert "9007199254740993" in screen
    assert database == "flowforge_qa_gold"
    # 26 megabytes at 5 USD for a million of them.
    assert errors == "3 rows, 25.0 MB read in 1.5 s, 0.000130 USD (q-1)\n"


@pytest.mark.parametrize(("stated", "asked"), [("silver", "flowforge_qa_silver"), ("mine", "mine"), (None, "flowforge_qa_gold")])
def test_a_layer_stands_for_its_database(stated: str | None, asked: str) -> None:
    assert ask(ResultFormat.TABLE, database=stated)[2] == asked


def test_csv_tells_null_from_an_empty_text(tmp_path: Path) -> None:
    ask(ResultFormat.CSV, tmp_path / "rows.csv")
    lines = (tmp_path / "rows.csv").read_bytes().decode().split("\r\n")
    assert lines[0] == "id,price,share,sold,day,at,note"
    assert lines[1].endswith(',"a ""quoted"", note"')
    assert lines[2].endswith(',""')
    assert lines[3] == ",2,,,,,"


def test_json_keeps_numbers_that_it_can_hold_and_text_for_the_rest(tmp_path: Path) -> None:
    ask(ResultFormat.JSON, tmp_path / "rows.json")
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert rows[0] == {
        "id": 1,
        "price": "10.50",
        "share": 0.1,
        "sold": True,
        "day": "2026-11-23",
        "at": "2026-11-23 12:00:00.000",
        "note": 'a "quoted", note',
    }
    assert (rows[1]["id"], rows[1]["share"], rows[1]["note"], rows[2]["id"]) == (9007199254740993, "NaN", "", None)


def test_parquet_has_the_types_of_the_columns(tmp_path: Path) -> None:
    ask(ResultFormat.PARQUET, tmp_path / "rows.parquet")
    frame = pl.read_parquet(tmp_path / "rows.parquet")
    first: dict[str, Any] = frame.row(0, named=True)
    assert first["price"] == Decimal("10.50")
    assert (first["day"], first["at"]) == (date(2026, 11, 23), datetime(2026, 11, 23, 12))  # noqa: DTZ001 -- Athena's has none
    assert frame["id"].to_list() == [1, 9007199254740993, None]
    assert frame["sold"].to_list() == [True, False, None]
    assert frame["note"].to_list() == ['a "quoted", note', "", None]


def test_parquet_needs_a_file() -> None:
    with pytest.raises(UsageError, match="add --output FILE"):
        ask(ResultFormat.PARQUET)
