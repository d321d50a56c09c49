"""Databases of tests: each of its own, copied from one that is at the newest revision."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from sqlalchemy import Connection, make_url, text

from flowforge.metadata.audit import Actor
from flowforge.metadata.database import Database
from flowforge.metadata.database_settings import DatabaseSettings
from flowforge.metadata.schema.access import ActorKind
from flowforge.metadata.schema.base import METADATA
from flowforge.metadata.stored_workflow import StoredWorkflow
from flowforge.metadata.upgrade import upgrade
from flowforge.metadata.workflows import create_workflow
from flowforge.model.environment import Environment
from flowforge.model.job import Job
from flowforge.model.workflow_settings import Concurrency, WorkflowSettings

ANNA = Actor(ActorKind.USER, "anna", "req-1")
TEMPLATE = "flowforge_template"


@dataclass
class Server:
    """A PostgreSQL of this test run, and where it logs (None where it is somebody else's)."""

    url: str
    log: str | None = None

    def __post_init__(self) -> None:
        self._numbers = count(1)
        self._has_template = False
        self._shared: str | None = None

    def settings(self, name: str, *, pool_size: int = 1) -> DatabaseSettings:
        """How to reach one of its databases."""
        url = make_url(self.url).set(database=name)
        return DatabaseSettings.of_url(url.render_as_string(hide_password=False), pool_size=pool_size)

    def create(self, *, template: str | None = None) -> str:
        """A new database: empty, or a copy."""
        name = f"{template or 'empty'}_{next(self._numbers)}"
        self.administer(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE {template or 'template0'}")
        return name

    def copy(self) -> str:
        """A new database at the newest revision."""
        if not self._has_template:
            self.administer(f"DROP DATABASE IF EXISTS {TEMPLATE}", f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
            database = Database(self.settings(TEMPLATE, pool_size=2))
            upgrade(database)
            database.close()
            self._has_template = True
        return self.create(template=TEMPLATE)

    def emptied(self) -> str:
        """A database at the newest revision with nothing in it: the same one each time, which is quicker than a new one."""
        if self._shared is None:
            self._shared = self.copy()
            return self._shared
        with self.opened(self._shared) as database, database.transaction() as connection:
            # As when a server replicates: the audit log's own trigger would let nothing go.
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            connection.execute(text(_emptying()))
        return self._shared

    def administer(self, *statements: str) -> None:
        """Statements that no transaction may hold."""
        database = Database(DatabaseSettings.of_url(self.url))
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.execute(text(statement))
        database.close()

    def sessions(self, name: str) -> int:
        """How many sessions there are in one of its databases."""
        database = Database(DatabaseSettings.of_url(self.url))
        with database.transaction() as connection:
            counted = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name")
            found = int(connection.execute(counted, {"name": name}).scalar_one())
        database.close()
        return found

    @contextmanager
    def opened(self, name: str, *, pool_size: int = 1) -> Iterator[Database]:
        """One of its databases, closed at the end."""
        database = Database(self.settings(name, pool_size=pool_size))
        try:
            yield database
        finally:
            database.close()


@cache
def _emptying() -> str:
    """Let all rows go, and count from one again. Of tables with few rows it takes a fifth of the time of TRUNCATE."""
    names = ", ".join(f'"{table.name}"' for table in METADATA.sorted_tables)
    rows = [f"LOCK TABLE {names};", *(f'DELETE FROM "{table.name}";' for table in METADATA.sorted_tables)]
    numbers = [
        f"PERFORM setval(pg_get_serial_sequence('\"{table.name}\"', '{table.autoincrement_column.name}'), 1, false);"
        for table in METADATA.sorted_tables
        if table.autoincrement_column is not None
    ]
    return f"DO $$ BEGIN {' '.join([*rows, *numbers])} END $$"


def orders_job(job_id: str = "orders", name: str = "Orders", **changed: Any) -> Job:
    """A job over files."""
    return Job.model_validate({"id": job_id, "name": name, **changed})


def shop(
    connection: Connection,
    name: str = "Shop",
    *jobs: Job,
    concurrency: Concurrency = Concurrency.QUEUE,
    workflow_id: str | None = None,
) -> StoredWorkflow:
    """A workflow of one job, or of those that are given."""
    return create_workflow(
        connection,
        ANNA,
        Environment.DEV,
        name,
        settings=WorkflowSettings(concurrency=concurrency, team="retail", tags=("sales",)),
        jobs_of_it=jobs or (orders_job(),),
        workflow_id=workflow_id,
    )
