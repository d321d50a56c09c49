"""Whether a database has the schema that the code was written for."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, Enum, inspect, text

from flowforge.metadata.schema import METADATA
from flowforge.metadata.upgrade import revision_of, revisions

LABELS = """
SELECT t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname = current_schema() GROUP BY t.typname
"""


def problems_of(connection: Connection) -> list[str]:
    """What is wrong, a line each; nothing where the database is at the newest revision and its schema is that of the tables."""
    current, known = revision_of(connection), revisions()
    if current != known[-1]:
        where = f"at revision {current}" if current else "empty"
        if current is not None and current not in known:
            return [f"the database is {where}, which this version does not know: it is newer than the program"]
        return [f"the database is {where}, and the newest is {known[-1]}: run 'flowforge db upgrade'"]
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return [*map(_described, compare_metadata(context, METADATA)), *_other_labels(connection), *_other_checks(connection)]


def _other_labels(connection: Connection) -> list[str]:
    """Alembic compares no values of enumerations."""
    present = {name: list(labels) for name, labels in connection.execute(text(LABELS))}
    wanted = {
        str(column.type.name): column.type.enums
        for table in METADATA.tables.values()
        for column in table.columns
        if isinstance(column.type, Enum)
    }
    return [
        f"type {name}: the database has {present.get(name)}, and the tables have {wanted.get(name)}"
        for name in sorted(present.keys() | wanted.keys())
        if present.get(name) != wanted.get(name)
    ]


def _other_checks(connection: Connection) -> list[str]:
    """Nor does it compare check constraints; their names are compared here, since PostgreSQL rewrites what they say."""
    inspector = inspect(connection)
    lines = []
    for table in METADATA.sorted_tables:
        wanted = {str(item.name) for item in table.constraints if isinstance(item, CheckConstraint)}
        present = {str(item["name"]) for item in inspector.get_check_constraints(table.name)}
        lines += [f"table {table.name}: the check {name} is missing" for name in sorted(wanted - present)]
        lines += [f"table {table.name}: the check {name} is not the tables'" for name in sorted(present - wanted)]
    return lines


def _described(difference: Any) -> str:
    """A difference in Alembic's words: an operation, and what it would be done to."""
    if isinstance(difference, list):
        return "; ".join(_described(item) for item in difference)
    operation, *subjects = difference
    return f"{str(operation).replace('_', ' ')}: {', '.join(str(item) for item in subjects if item is not None)}"
