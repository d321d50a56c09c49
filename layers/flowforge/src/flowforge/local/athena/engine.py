"""One query: Athena's SQL becomes DuckDB's, tables become the files that the catalog names, values become Athena's text."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from flowforge.lake.athena import ResultColumn, Row
from flowforge.local.athena.errors import QueryError
from flowforge.local.athena.relations import ATHENA_OF_DUCKDB, PATH_COLUMN, Tables

_VARCHAR = {"string": "varchar", "int": "integer", "binary": "varbinary"}


@dataclass(frozen=True)
class Answer:
    """What a query gave."""

    columns: Sequence[ResultColumn]
    rows: Sequence[Row]
    scanned_bytes: int


class Engine:
    """Runs SELECT statements over the tables of a catalog. ``client`` gives boto3's clients of the laptop's services."""

    def __init__(self, client: Callable[[str], Any], scratch: Path, *, bytes_limit: int | None = None) -> None:
        self._client = client
        self._scratch = scratch
        self._bytes_limit = bytes_limit

    def run(self, sql: str, database: str, connection: duckdb.DuckDBPyConnection) -> Answer:
        """Run one statement; ``connection`` is DuckDB's, whose owner can interrupt it. Raises QueryError."""
        statement = _parsed(sql)
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="athena-") as folder:
            tables = Tables(self._client, Path(folder), connection)
            expanded = _expanded(statement, database, tables)
            if self._bytes_limit is not None and tables.scanned_bytes > self._bytes_limit:
                raise QueryError("Bytes scanned limit was exceeded")
            try:
                cursor = connection.execute(expanded.sql(dialect="duckdb"))
                described = [(name, str(dtype)) for name, dtype, *_ in cursor.description]
                rows = [tuple(map(_value_text, row)) for row in cursor.fetchall()]
            except duckdb.Error as error:
                raise QueryError(str(error)) from error
        columns = [ResultColumn(name, _athena_type(dtype)) for name, dtype in described]
        return Answer(columns, rows, tables.scanned_bytes)


def _parsed(sql: str) -> exp.Expr:
    try:
        statements = [item for item in sqlglot.parse(sql, read="athena") if item is not None]
    except SqlglotError as error:
        raise QueryError(f"SYNTAX_ERROR: {error}") from error
    if len(statements) != 1:
        raise QueryError("SYNTAX_ERROR: Only one sql statement is allowed")
    if not isinstance(statements[0], exp.Query):
        raise QueryError("NOT_SUPPORTED: Athena on the laptop takes SELECT only; tables are made by workflows")
    return statements[0]


def _expanded(statement: exp.Expr, database: str, tables: Tables) -> exp.Expr:
    """The statement with a subquery in the place of each table of the catalog."""
    statement = statement.copy()
    named = {cte.alias_or_name for cte in statement.find_all(exp.CTE)}
    with_path = any(column.name == PATH_COLUMN for column in statement.find_all(exp.Column))
    for table in list(statement.find_all(exp.Table)):
        if not isinstance(table.this, exp.Identifier):
            raise QueryError(f"NOT_SUPPORTED: {table.sql(dialect='athena')} is no table of the catalog")
        if not table.db and table.name in named:
            continue
        found = tables.find((table.db or database).lower(), table.name.lower())
        view = tables.view(found)
        if view is not None:
            source = _expanded(_parsed(view), found["DatabaseName"], tables)
        else:
            source = sqlglot.parse_one(tables.relation(found, with_path=with_path), read="duckdb")
        alias = table.alias or table.name
        rest = {key: value for key, value in table.args.items() if key in ("joins", "laterals", "sample", "pivots") and value}
        subquery = exp.Subquery(this=source, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)), **rest)
        table.replace(subquery)
        _shorten(statement, table, alias)
    return statement


def _shorten(statement: exp.Expr, table: exp.Table, alias: str) -> None:
    """Columns that name the database too (``silver.orders.id``) name the subquery alone."""
    for column in statement.find_all(exp.Column):
        if column.table == table.name and column.args.get("db") is not None:
            column.set("db", None)
            column.set("catalog", None)
            column.set("table", exp.to_identifier(alias, quoted=True))


def _athena_type(dtype: str) -> str:
    if dtype.startswith("DECIMAL") or dtype in ("HUGEINT", "UHUGEINT"):
        return "decimal"
    if dtype.endswith("]"):
        return "array"
    for prefix, name in (("STRUCT", "row"), ("MAP", "map")):
        if dtype.startswith(prefix):
            return name
    hive = ATHENA_OF_DUCKDB.get(dtype, "varchar")
    return _VARCHAR.get(hive, hive)


def _value_text(value: Any) -> str | None:
    """A value as Athena writes it into its results."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds" if value.microsecond % 1000 == 0 else "microseconds")
    if isinstance(value, bytes):
        return value.hex(" ")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_value_text(item) or 'null'}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value_text(item) or "null" for item in value) + "]"
    return str(value)
