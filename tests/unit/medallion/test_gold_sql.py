"""SQL over several tables: the right rows in a defined order, and nothing in reach but the tables."""

import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flowforge.medallion.gold_sql import QueryCounts, Workspace, run_query
from flowforge.model.errors import ConfigFault, DataFault, FlowForgeError, NextTier
from flowforge.model.row_order import OrderTerm

ORDERS = pl.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "customer": ["b", "a", "b", None],
        "amount": [Decimal("1.10"), Decimal("2.20"), None, Decimal("4.40")],
        "big": [2**62, 2**62, 2**62, 1],
        "x": [0.1, 0.2, 0.3, 0.4],
        "moment": [datetime(2026, 11, 23, 23, 30, tzinfo=UTC)] * 4,
    },
    schema_overrides={"amount": pl.Decimal(10, 2)},
)
HUNGRY = "SELECT list_sum(list(i)) AS s FROM (SELECT unnest(generate_series(1, 1500000)) AS i)"
CUSTOMERS = pl.DataFrame({"customer": ["a", "b"], "country": ["de", "fr"]})


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "tables"
    folder.mkdir()
    for name, frame in {"orders": ORDERS, "customers": CUSTOMERS}.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return {name: folder / f"{name}.parquet" for name in ("orders", "customers")}


def ran(tables: dict[str, Path], sql: str, *order: OrderTerm, snapshot: bool = False) -> tuple[pl.DataFrame, QueryCounts]:
    folder = tables["orders"].parents[1] / "work"
    folder.mkdir(exist_ok=True)
    counts = run_query(sql, tables, order, Workspace(folder), snapshot=snapshot)
    return pl.read_parquet(folder / "result.parquet"), counts


def by_sqlite(sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(":memory:")
    for name, frame in {"orders": ORDERS.select("id", "customer", "x"), "customers": CUSTOMERS}.items():
        connection.execute(f"CREATE TABLE {name} ({', '.join(frame.columns)})")
        connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * frame.width)})", frame.rows())
    return connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT country, count(*) AS n, sum(x) AS total FROM orders JOIN customers USING (customer) GROUP BY country "
        "ORDER BY n, country",
        "SELECT id, country FROM orders LEFT JOIN customers USING (customer) ORDER BY id DESC",
        "WITH known AS (SELECT * FROM orders WHERE customer IS NOT NULL) "
        "SELECT max(id) AS m, count(*) AS n FROM known, customers",
    ],
)
def test_the_rows_are_those_of_another_engine(tables: dict[str, Path], sql: str) -> None:
    made, counts = ran(tables, sql)
    assert made.rows() == by_sqlite(sql)
    assert counts == QueryCounts(loaded=6, selected=made.height)


def test_without_an_order_rows_go_by_all_columns_and_null_is_the_smallest(tables: dict[str, Path]) -> None:
    sql = "SELECT customer, id FROM orders, (SELECT count(*) FROM customers)"
    assert ran(tables, sql)[0].rows() == [(None, 4), ("a", 2), ("b", 1), ("b", 3)]
    ordered, _ = ran(tables, sql, OrderTerm("customer", descending=True))
    assert ordered.rows() == [("b", 1), ("b", 3), ("a", 2), (None, 4)]


def test_an_order_of_the_statements_own_is_kept(tables: dict[str, Path]) -> None:
    sql = "SELECT id FROM orders ORDER BY x DESC LIMIT 3; -- the last three"
    assert ran(tables, sql)[0]["id"].to_list() == [4, 3, 2]


def test_types_come_through_unharmed(tables: dict[str, Path]) -> None:
    sql = (
        "SELECT sum(big) AS big, sum(amount) AS amount, max(moment) AS latest, max(moment)::date AS day, count(*) AS n, "
        "avg(x) AS mean, "
        "'5e8b1d70-0000-4000-8000-000000000000'::uuid AS id FROM orders"
    )
    (row,) = ran(tables, sql)[0].rows(named=True)
    assert row == {
        "big": Decimal(3 * 2**62 + 1),
        "amount": Decimal("7.70"),
        "latest": datetime(2026, 11, 23, 23, 30, tzinfo=UTC),
        "day": date(2026, 11, 23),
        "n": 4,
        "mean": 0.25,
        "id": "5e8b1d70-0000-4000-8000-000000000000",
    }


@pytest.mark.parametrize(
    ("sql", "kind", "told"),
    [
        ("SELECT big * big AS b FROM orders", DataFault, "Overflow"),
        ("SELECT customer::INTEGER AS c FROM orders", DataFault, "Could not convert"),
        ("SELECT id // 0 AS d FROM orders", DataFault, "Division by zero"),
        ("SELECT sum(big::HUGEINT * 10000000000000000000) * 2 AS s FROM orders", DataFault, "goldConfig.sql"),
        ("SELECT nosuch FROM orders", ConfigFault, "nosuch"),
        ("SELECT * FROM products", ConfigFault, "products"),
        ("SELEC 1", ConfigFault, "syntax error"),
        ("SELECT INTERVAL 1 DAY AS i FROM orders", ConfigFault, "'i' is of the type INTERVAL"),
        ("SELECT [id] AS l FROM orders", ConfigFault, "cast it, such as CAST"),
        ("SELECT 1; SELECT 2", ConfigFault, "not one SELECT"),
        ("CREATE TABLE t (i INTEGER)", ConfigFault, "not one SELECT"),
    ],
)
def test_a_statement_that_does_not_work_is_told_apart(
    tables: dict[str, Path], sql: str, kind: type[FlowForgeError], told: str
) -> None:
    with pytest.raises(kind, match=r"goldConfig\.sql") as caught:
        ran(tables, sql)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM read_parquet('{secret}')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM secret_frame",
    ],
)
def test_nothing_but_the_tables_is_in_reach(tables: dict[str, Path], tmp_path: Path, sql: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    secret_frame = pl.DataFrame({"a": [1]})
    assert secret_frame.height
    with pytest.raises(ConfigFault):
        ran(tables, sql.format(secret=secret))


def test_a_snapshots_column_belongs_to_the_product(tables: dict[str, Path]) -> None:
    with pytest.raises(ConfigFault, match="give yours another name"):
        ran(tables, "SELECT 1 AS _snapshot_date FROM orders", snapshot=True)
    with pytest.raises(ConfigFault, match="orderBy names the column 'city'"):
        ran(tables, "SELECT id FROM orders", OrderTerm("city"))


def test_a_statement_that_outgrows_its_memory_goes_to_the_next_tier(tables: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(NextTier, match="memory or scratch space ran out"):
        run_query(HUNGRY, tables, (), Workspace(tmp_path, memory_mib=12))
