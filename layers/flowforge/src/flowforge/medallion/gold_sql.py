"""Gold by SQL over several Silver tables, in an engine that sees these tables and nothing else.

DuckDB runs the statement, on one thread: its sums of floats and its ties then follow from the rows alone. What it may read
are the files of the declared tables; files, settings, extensions and Python's variables are out of its reach, whatever the
statement says. Memory is bounded, and what does not fit goes to scratch space.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from flowforge.model.errors import ConfigFault, DataFault, NextTier
from flowforge.model.gold import SNAPSHOT_DATE
from flowforge.model.row_order import OrderTerm

OPTION = "goldConfig.sql"
RESULT = "_result"
AS_THEY_ARE = frozenset(
    (
        *(
            "BOOLEAN",
            "TINYINT",
            "SMALLINT",
            "INTEGER",
            "BIGINT",
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
            "UBIGINT",
            "FLOAT",
            "DOUBLE",
        ),
        *("VARCHAR", "DATE", "TIME", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE", "BLOB"),
    )
)
"""Types that a Parquet file holds without a change, beside decimals."""
STORED_AS = {
    # A Parquet file would hold a 128-bit integer as a float.
    "HUGEINT": "DECIMAL(38,0)",
    "UHUGEINT": "DECIMAL(38,0)",
    "UUID": "VARCHAR",
    "JSON": "VARCHAR",
    "TIMESTAMP_S": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP",
}
MIB = 1 << 20


@dataclass(frozen=True)
class QueryCounts:
    """Rows that the engine found in all tables, and rows that the statement gave."""

    loaded: int
    selected: int


@dataclass(frozen=True)
class Workspace:
    """A folder of the statement's own, for its result and for what does not fit memory.

    ``memory_mib`` None: four fifths of what the machine, or the container, has.
    """

    folder: Path
    memory_mib: int | None = None

    @property
    def result(self) -> Path:
        """Where the result is written."""
        return self.folder / "result.parquet"


def run_query(
    sql: str, tables: Mapping[str, Path], order: Sequence[OrderTerm], workspace: Workspace, *, snapshot: bool = False
) -> QueryCounts:
    """Run one SELECT over Parquet files by their aliases, and write ``workspace.result``.

    The rows come in the stated order (null as the smallest value), otherwise in the statement's own; without either by all
    columns from the left. Raises ConfigFault for a statement that does not fit the tables, DataFault for values that it cannot
    compute with (an overflow, a cast, a division by zero), NextTier where memory or scratch space ran out.
    """
    with _engine_errors(), closing(_connect(tables, workspace)) as connection:
        loaded = sum(_count(connection, alias) for alias in tables)
        statements = connection.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise ConfigFault(f"{OPTION}: it is not one SELECT", option=OPTION)
        connection.execute(f"CREATE TEMP VIEW {RESULT} AS {statements[0].query}")
        columns = _stored_columns(connection)
        if snapshot and SNAPSHOT_DATE in columns:
            raise ConfigFault(f"{OPTION}: a snapshot adds the column {SNAPSHOT_DATE}; give yours another name", option=OPTION)
        ordering = _ordering(connection, sql, list(columns), order)
        selection = f"SELECT {', '.join(columns.values())} FROM {RESULT}{ordering}"  # noqa: S608  # quoted names
        copied = connection.execute(
            f"COPY ({selection}) TO {_text(workspace.result)} (FORMAT parquet, USE_TMP_FILE false)"
        ).fetchone()
        return QueryCounts(loaded, int(copied[0]) if copied else 0)


def _connect(tables: Mapping[str, Path], workspace: Workspace) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "temp_directory": str(workspace.folder / "spill"),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
    }
    if workspace.memory_mib is not None:
        config["memory_limit"] = f"{workspace.memory_mib}MiB"
    connection = duckdb.connect(":memory:", config=config)
    # A timestamp has the same text and the same day wherever the step runs.
    connection.execute("SET TimeZone = 'UTC'")
    reachable = ", ".join(_text(path) for path in (*tables.values(), workspace.result))
    connection.execute(f"SET allowed_paths = [{reachable}]")
    connection.execute("SET enable_external_access = false")
    for alias, path in tables.items():
        connection.execute(f"CREATE VIEW {_name(alias)} AS SELECT * FROM read_parquet({_text(path)})")  # noqa: S608
    connection.execute("SET lock_configuration = true")
    return connection


def _count(connection: duckdb.DuckDBPyConnection, alias: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {_name(alias)}").fetchone()  # noqa: S608  # a quoted name
    return int(row[0]) if row else 0


def _stored_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Each column of the result, and the expression by which it is stored. Raises ConfigFault for a type that no file holds."""
    stored = {}
    for name, kind, *_ in connection.execute(f"DESCRIBE {RESULT}").fetchall():
        target = "VARCHAR" if kind.startswith("ENUM(") else STORED_AS.get(kind)
        if target is None and kind not in AS_THEY_ARE and not kind.startswith("DECIMAL("):
            raise ConfigFault(
                f"{OPTION}: the column {name!r} is of the type {kind}, which Gold does not hold; cast it, such as "
                f"CAST({name} AS VARCHAR)",
                column=name,
                option=OPTION,
            )
        stored[name] = f"CAST({_name(name)} AS {target}) AS {_name(name)}" if target else _name(name)
    return stored


def _ordering(connection: duckdb.DuckDBPyConnection, sql: str, columns: list[str], order: Sequence[OrderTerm]) -> str:
    missing = [term.column for term in order if term.column not in columns]
    if missing:
        raise ConfigFault(
            f"goldConfig.orderBy names the column {missing[0]!r}; the statement gives {', '.join(columns)}",
            column=missing[0],
            option="goldConfig.orderBy",
        )
    if not order and _orders_itself(connection, sql):
        return ""
    stated = {term.column for term in order}
    terms = [*order, *(OrderTerm(name) for name in columns if name not in stated)]
    return " ORDER BY " + ", ".join(
        f"{_name(term.column)} {'DESC NULLS LAST' if term.descending else 'ASC NULLS FIRST'}" for term in terms
    )


def _orders_itself(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether the statement's outermost SELECT has an ORDER BY, as the engine's own parser sees it."""
    row = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchone()
    parsed = json.loads(row[0]) if row else {}
    nodes = [statement["node"] for statement in parsed.get("statements", [])]
    return any(modifier["type"] == "ORDER_MODIFIER" for node in nodes for modifier in node["modifiers"])


@contextmanager
def _engine_errors() -> Iterator[None]:
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise NextTier(f"{OPTION}: memory or scratch space ran out: {_shown(error)}") from error
    except duckdb.DataError as error:
        raise DataFault(f"{OPTION}: {_shown(error)}") from error
    except duckdb.InvalidInputException as error:
        raise DataFault(f"{OPTION}: {_shown(error)}") from error
    except duckdb.Error as error:
        raise ConfigFault(f"{OPTION}: {_shown(error)}", option=OPTION) from error


def _shown(error: Exception) -> str:
    """What the engine says, with the line of the statement that it points at."""
    return " ".join(str(error).split())[:500]


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: Path) -> str:
    return "'" + str(value).replace("'", "''") + "'"
