"""Filters over typed rows, against sqlite."""

import sqlite3
from typing import Any

import polars as pl
import pytest

from flowforge.medallion.expression_types import TypeMismatchError
from flowforge.medallion.row_filters import kept
from flowforge.model.row_filter import RowFilter

ROWS = [(1, "x", None), (2, "GmbH & Co", True), (None, "", False), (10, None, True)]
FRAME = pl.DataFrame(ROWS, schema={"n": pl.Int64, "s": pl.String, "b": pl.Boolean}, orient="row")


def condition(column: str, operator: str, value: Any = None) -> RowFilter:
    return RowFilter.model_validate({"column": column, "operator": operator, "value": value})


def numbers(*filters: RowFilter) -> list[int]:
    return FRAME.with_row_index("i").filter(kept(filters, FRAME.schema))["i"].to_list()


@pytest.mark.parametrize(
    ("wanted", "sql"),
    [
        (condition("n", "equals", "10"), "n = 10"),
        (condition("n", "not_equals", 1), "n <> 1"),
        (condition("n", "greater_than", 1.5), "n > 1.5"),
        (condition("n", "greater_or_equals", 2), "n >= 2"),
        (condition("n", "less_than", 10), "n < 10"),
        (condition("n", "less_or_equals", 2), "n <= 2"),
        (condition("n", "in", [1, "10"]), "n in (1, 10)"),
        (condition("n", "not_in", [1]), "n not in (1)"),
        (condition("n", "is_null"), "n is null"),
        (condition("s", "not_null"), "s is not null"),
        (condition("s", "contains", "& C"), "instr(s, '& C')"),
        (condition("s", "not_contains", "Gmb"), "not instr(s, 'Gmb')"),
        (condition("s", "starts_with", "G"), "s glob 'G*'"),
        (condition("s", "ends_with", "o"), "s glob '*o'"),
        (condition("b", "equals", "true"), "b = 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_filter_keeps_the_rows_that_a_database_would(wanted: RowFilter, sql: str) -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE t (i, n, s, b)")
    database.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", [(number, *row) for number, row in enumerate(ROWS)])
    expected = [row[0] for row in database.execute(f"SELECT i FROM t WHERE {sql} ORDER BY i")]
    database.close()
    assert numbers(wanted) == expected


def test_several_filters_must_all_be_met_and_none_keeps_every_row() -> None:
    assert numbers(condition("n", "greater_than", 1), condition("b", "equals", True)) == [1, 3]
    assert numbers() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (condition("x", "not_null"), "filter on 'x': there is no such column; there are n, s, b"),
        (condition("n", "contains", "1"), "filter on 'n': contains takes a text, and this is a number"),
        (condition("n", "equals", "one"), "filter on 'n': 'one' is no number"),
        (condition("b", "equals", "maybe"), "filter on 'b': 'maybe' is neither true nor false"),
    ],
)
def test_a_filter_that_does_not_fit_is_told_before_a_row_is_read(wanted: RowFilter, problem: str) -> None:
    with pytest.raises(TypeMismatchError, match=problem):
        kept([wanted], FRAME.schema)
