"""The SQL of a gold-analytics job is one SELECT over its declared tables, or a sentence says what is wrong with it."""

import pytest

from flowforge.model.gold import GoldConfig
from flowforge.model.gold_query import query_origins, query_problem

TABLES = {"orders": "shop/orders", "customers": "shop/customers"}


def problem(sql: str, **options: object) -> str | None:
    return query_problem(GoldConfig.model_validate({"sql": sql, "tables": TABLES, **options}))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT country, sum(amount) AS total FROM orders JOIN customers USING (customer_id) GROUP BY ALL ORDER BY 1",
        "WITH big AS (SELECT * FROM orders WHERE amount > 10) SELECT * FROM big, customers",
        "SELECT id FROM orders UNION ALL SELECT id FROM customers",
        'SELECT * FROM Orders, "CUSTOMERS" -- whatever the case\n;',
        "FROM orders SELECT id WHERE id IN (SELECT id FROM customers)",
        "SELECT id, row_number() OVER (PARTITION BY c.id ORDER BY day) FROM orders JOIN customers c USING (id)",
        "SELECT list_sum(list_transform([id], x -> x + 1)) FROM orders, customers, unnest([1, 2]) AS u(n)",
        "SELECT * FROM orders, customers, (VALUES (1)) AS v(n)",
        "(SELECT id FROM orders, customers)",
    ],
)
def test_one_select_over_declared_tables_is_accepted(sql: str) -> None:
    assert problem(sql) is None


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT FROM WHERE", "cannot be parsed"),
        (";", "0 statements"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("DROP TABLE orders", "DROP"),
        ("INSERT INTO orders SELECT * FROM customers", "INSERT"),
        ("UPDATE orders SET id = 1", "UPDATE"),
        ("COPY orders TO 'x.csv'", "COPY"),
        ("CREATE TABLE t AS SELECT * FROM orders", "CREATE"),
        ("ATTACH 'other.db'", "ATTACH"),
        ("PRAGMA database_list", "PRAGMA"),
        ("SET threads = 8", "SET"),
        ("VALUES (1)", "VALUES"),
        ("WITH t AS (INSERT INTO orders VALUES (1) RETURNING *) SELECT * FROM t", "INSERT writes"),
        ("SELECT * INTO copy FROM orders, customers", "SELECT INTO writes"),
        ("SELECT * FROM orders, customers, products", "'products' is no declared table"),
        ("SELECT * FROM 'orders.csv', orders, customers", "'orders.csv' is no declared table"),
        ("SELECT * FROM main.orders, customers", "another schema"),
        ("SELECT * FROM information_schema.tables, orders, customers", "another schema"),
        ("SELECT * FROM read_csv('/etc/passwd'), orders, customers", "read_csv()"),
        ("SELECT (SELECT max(x) FROM read_parquet('s3://b/k')) FROM orders, customers", "read_parquet()"),
        ("SELECT * FROM glob('*'), orders, customers", "glob()"),
        ("SELECT * FROM query('SELECT 1'), orders, customers", "query()"),
        ("SELECT * FROM range(10), orders, customers", "table function"),
        ("SELECT * FROM duckdb_settings(), orders, customers", "duckdb_settings()"),
        ("SELECT content FROM orders, customers, read_text('/etc/passwd')", "read_text()"),
        ("SELECT getenv('HOME') FROM orders, customers", "getenv()"),
        ("SELECT current_setting('threads') FROM orders, customers", "current_setting()"),
        ("SELECT now() FROM orders, customers", "now()"),
        ("SELECT current_date FROM orders, customers", "current_date()"),
        ("SELECT today() FROM orders, customers", "current_date()"),
        ("SELECT random() FROM orders, customers", "rand()"),
        ("SELECT uuid() FROM orders, customers", "uuid()"),
        ("SELECT hash(id) FROM orders, customers", "hash()"),
        ("SELECT * FROM orders, customers USING SAMPLE 10%", "sample"),
        ("SELECT $1 FROM orders, customers", "parameter"),
        ("SELECT ? FROM orders, customers", "parameter"),
        ("WITH orders AS (SELECT 1) SELECT * FROM orders, customers", "takes the name of a declared table"),
        ("SELECT * FROM orders", "does not read the declared table customers"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(sql: str, told: str) -> None:
    assert told in str(problem(sql))


def test_a_statement_with_an_order_of_its_own_leaves_none_to_the_job() -> None:
    ordered = "SELECT * FROM orders, customers ORDER BY id"
    assert problem(ordered) is None
    assert "ORDER BY of its own" in str(problem(ordered, orderBy=["id"]))
    assert problem("SELECT * FROM orders, (SELECT * FROM customers ORDER BY id LIMIT 3)", orderBy=["id"]) is None


def test_the_columns_behind_a_result_are_those_whose_values_are_in_it() -> None:
    sql = """
        WITH spent AS (SELECT customer_id, sum(net + tax) AS total FROM orders WHERE country = 'de' GROUP BY 1)
        SELECT c.name, s.total, s.total > 100 AS large, count(*) AS n, 'x' AS fixed
        FROM spent s JOIN customers c USING (customer_id) GROUP BY ALL
    """
    gold = GoldConfig.model_validate({"sql": sql, "tables": TABLES})
    columns = {"orders": ["customer_id", "net", "tax", "country"], "customers": ["customer_id", "name"]}
    spent = ("shop/orders.net", "shop/orders.tax")
    assert query_origins(gold, columns) == {
        "name": ("shop/customers.name",),
        "total": spent,
        "large": spent,
        "n": (),
        "fixed": (),
    }


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM orders UNION ALL SELECT * FROM customers",
        "FROM Orders SELECT * WHERE id IN (SELECT id FROM customers)",
        "SELECT sum(id) OVER (ORDER BY id) FROM orders, customers",
    ],
)
def test_what_the_parser_follows_or_does_not_is_no_error(sql: str) -> None:
    gold = GoldConfig.model_validate({"sql": sql, "tables": TABLES})
    for origins in query_origins(gold, {"orders": ["id"], "customers": ["id"]}).values():
        assert set(origins) <= {"shop/orders.id", "shop/customers.id"}
