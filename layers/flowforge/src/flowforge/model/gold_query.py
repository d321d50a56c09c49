"""The SQL of a gold-analytics job, held to be one SELECT over its declared tables when a workflow is saved.

The parser takes a third of a second to load, so only who saves or plans calls this; the steps rely on it and on the locked
connection in which they run the statement.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

from flowforge.model.gold import GoldConfig

DIALECT = "duckdb"
SILENT = logging.NullHandler()
OF_THE_MOMENT = frozenset(
    (
        "clock_timestamp",
        "curdate",
        "current_date",
        "current_datetime",
        "current_time",
        "current_timestamp",
        "currval",
        "curtime",
        "gen_random_uuid",
        "generate_uuid",
        "get_current_time",
        "get_current_timestamp",
        "localtime",
        "localtimestamp",
        "nextval",
        "now",
        "rand",
        "randn",
        "random",
        "setseed",
        "sleep",
        "sleep_ms",
        "statement_timestamp",
        "sysdate",
        "systimestamp",
        "today",
        "transaction_timestamp",
        "txid_current",
        "uuid",
        "uuidv4",
        "uuidv7",
    )
)
"""Functions whose answer differs from one run to the next."""
OF_THE_MACHINE = frozenset(
    (
        "add_parquet_key",
        "current_catalog",
        "current_connection_id",
        "current_database",
        "current_query",
        "current_role",
        "current_schema",
        "current_schemas",
        "current_setting",
        "current_user",
        "current_version",
        "getenv",
        "getvariable",
        "hash",
        "in_search_path",
        "parse_duckdb_log_message",
        "pg_typeof",
        "query",
        "query_table",
        "session_user",
        "user",
        "version",
        "which_secret",
        "write_log",
    )
)
"""Functions that tell of the engine or its surroundings; ``hash`` gives other values in another version."""
READING = ("read_", "pg_", "duckdb_", "pragma_", "sqlite_", "parquet_", "scan_", "sniff_", "iceberg_", "delta_", "glob")


def query_problem(gold: GoldConfig) -> str | None:
    """What is wrong with the statement, in one sentence; None where nothing is."""
    import sqlglot
    from sqlglot import expressions as exp
    from sqlglot.errors import SqlglotError

    # What it cannot parse it also tells a log, which would reach the screen of whoever has set none up.
    logging.getLogger("sqlglot").addHandler(SILENT)
    try:
        statements = [statement for statement in sqlglot.parse(gold.sql or "", dialect=DIALECT) if statement is not None]
    except SqlglotError as error:
        return f"it cannot be parsed: {_first_line(error)}"
    except RecursionError:
        return "it is nested too deeply"
    if len(statements) != 1:
        return f"it holds {len(statements)} statements; write one SELECT"
    statement = statements[0]
    root = statement.unnest() if isinstance(statement, exp.Subquery) else statement
    if not isinstance(root, exp.Select | exp.SetOperation):
        return f"it is {type(root).__name__.upper()}; write one SELECT"
    return next(_problems(statement, gold), None)


def query_origins(gold: GoldConfig, columns: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """For each column of the statement's result the columns behind its values, as ``workflow/job.column``.

    ``columns`` are those of each declared table, by its alias. What only chooses or orders rows is not behind a value. A
    statement that the parser cannot follow has no origins.
    """
    from sqlglot import expressions as exp
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage

    schema = {alias: dict.fromkeys(names, "unknown") for alias, names in columns.items()}
    try:
        found = lineage(None, gold.sql or "", schema, dialect=DIALECT)
    except (SqlglotError, ValueError, RecursionError):
        return {}
    origins = {}
    for name, node in found.items():
        leaves = [item for item in node.walk() if isinstance(item.expression, exp.Table)]
        named = {f"{gold.tables[leaf.expression.name.lower()]}.{leaf.name.rpartition('.')[2]}" for leaf in leaves}
        origins[name] = tuple(sorted(named))
    return origins


def _problems(statement: "Expr", gold: GoldConfig) -> Iterator[str]:
    from sqlglot import expressions as exp

    names = {str(table.alias_or_name).lower() for table in statement.find_all(exp.CTE)}
    taken = sorted(names & set(gold.tables))
    if taken:
        yield f"WITH {taken[0]} takes the name of a declared table; give it another"
    for kind, what in (
        (exp.Into, "SELECT INTO writes"),
        (exp.Insert, "INSERT writes"),
        (exp.Update, "UPDATE writes"),
        (exp.Delete, "DELETE writes"),
        (exp.Merge, "MERGE writes"),
        (exp.TableSample, "a sample differs from run to run"),
        (exp.Placeholder, "it has a parameter, and nobody gives it a value"),
        (exp.Parameter, "it has a parameter, and nobody gives it a value"),
    ):
        if statement.find(kind) is not None:
            yield what
    for function in statement.find_all(exp.Func):
        yield from _of_function(function)
    read = set()
    for table in statement.find_all(exp.Table):
        if isinstance(table.this, exp.Func) or not table.name:
            yield f"{table.sql(DIALECT)} is a table function; a statement reads declared tables"
        elif table.db or table.catalog:
            yield f"{table.sql(DIALECT)} is of another schema; a statement reads declared tables"
        elif table.name.lower() not in names | set(gold.tables):
            yield f"{table.name!r} is no declared table; goldConfig.tables declares {', '.join(sorted(gold.tables))}"
        read.add(table.name.lower())
    unread = sorted(set(gold.tables) - read)
    if unread:
        yield f"it does not read the declared table {unread[0]}; leave it out of goldConfig.tables"
    if gold.order_by and _outermost(statement).args.get("order") is not None:
        yield "it has an ORDER BY of its own; leave that or goldConfig.orderBy out"


def _of_function(function: "Expr") -> Iterator[str]:
    names = _names_of(function)
    if names & OF_THE_MOMENT:
        yield f"{min(names & OF_THE_MOMENT)}() gives another answer in every run"
    if names & OF_THE_MACHINE:
        yield f"{min(names & OF_THE_MACHINE)}() tells of the engine and not of the data"
    reading = [name for name in names if name.startswith(READING)]
    if reading:
        yield f"{min(reading)}() reads something else than declared tables"


def _names_of(function: "Expr") -> frozenset[str]:
    from sqlglot import expressions as exp

    if isinstance(function, exp.Anonymous | exp.AnonymousAggFunc):
        return frozenset((function.name.lower(),))
    return frozenset(name.lower() for name in type(function).sql_names())  # type: ignore[attr-defined]


def _outermost(statement: "Expr") -> "Expr":
    from sqlglot import expressions as exp

    while isinstance(statement, exp.Subquery) and statement.args.get("order") is None:
        statement = statement.this
    return statement


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].replace("\x1b[4m", "").replace("\x1b[0m", "")
