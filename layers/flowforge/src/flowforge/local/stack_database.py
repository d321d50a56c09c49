"""The database of a stack: a server of its own, or the one that DATABASE_URL names; at the newest revision when it is ready."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from flowforge.local.connection import DATABASE
from flowforge.local.leftovers import mark_of
from flowforge.local.postgres import Postgres
from flowforge.local.reaper import Reaper
from flowforge.local.stack_file import running_stack
from flowforge.local.state_folder import StateFolder
from flowforge.local.state_lock import hold
from flowforge.metadata.database import Database
from flowforge.metadata.database_settings import DatabaseSettings
from flowforge.metadata.run_state import unfinished
from flowforge.metadata.variables import HOST_VARIABLE, URL_VARIABLE
from flowforge.metadata.wishes import workflows_with_waiting_wishes

UPGRADE_CONNECTIONS = 2


class StackDatabase:
    """Starts with the stack and ends with it. ``server`` is None where somebody else's is used."""

    def __init__(self, state: Path, reaper: Reaper, mark: Mapping[str, str]) -> None:
        own = Postgres(state, reaper, mark=mark)
        self._given = given_url(own)
        self.server = None if self._given else own

    def start(self) -> str:
        """Start the server, if it is our own; the answer is the database's URL. Raises LocalStackError."""
        if self.server is None:
            return str(self._given)
        self.server.start()
        return self.server.url

    def make_ready(self) -> None:
        """Wait for the server, and upgrade the database. Raises LocalStackError, RetryLater or ConfigFault."""
        # Alembic takes a fifth of a second to load, which a command that needs no database does not wait for.
        from flowforge.metadata.upgrade import upgrade

        if self.server is not None:
            self.server.wait_ready()
        with _opened(self._settings()) as database:
            upgrade(database)

    def has_open_runs(self) -> bool:
        """Whether an execution is recorded as active, or a wish waits."""
        with _opened(self._settings()) as database, database.transaction() as connection:
            return bool(unfinished(connection, untouched_since=datetime.now(UTC), limit=1)) or bool(
                workflows_with_waiting_wishes(connection)
            )

    def _settings(self) -> DatabaseSettings:
        return DatabaseSettings.of_url(str(self._given) if self.server is None else self.server.url)

    def close(self) -> None:
        """End the server, if it is our own."""
        if self.server is not None:
            self.server.stop()


@contextmanager
def open_database(folder: StateFolder) -> Iterator[Database]:
    """The database that a command means, with connections enough to upgrade it, for as long as the block runs.

    The one that the environment names; otherwise that of the running stack of the state folder; otherwise the server of the
    folder, started for this block. Raises LocalStackError or ConfigFault.
    """
    mark = mark_of(folder.root)
    with closing(Reaper(mark)) as reaper:
        server = Postgres(folder.root, reaper, mark=mark)
        found = running_stack(folder)
        if given_url(server) or os.environ.get(HOST_VARIABLE):
            settings = DatabaseSettings.from_environment(os.environ)
        elif found is not None:
            settings = DatabaseSettings.of_url(found.endpoints[DATABASE])
        else:
            with hold(folder), _running(server), _opened(DatabaseSettings.of_url(server.url)) as database:
                yield database
            return
        with _opened(settings) as database:
            yield database


def given_url(own: Postgres) -> str | None:
    """The URL that the environment names, where it is not one that an earlier stack of this folder told its shell."""
    url = os.environ.get(URL_VARIABLE)
    return None if not url or own.is_ours(url) else url


@contextmanager
def _running(server: Postgres) -> Iterator[None]:
    try:
        server.start()
        server.wait_ready()
        yield
    finally:
        server.stop()


@contextmanager
def _opened(settings: DatabaseSettings) -> Iterator[Database]:
    """An upgrade takes two connections, and each statement of it as long as it takes."""
    database = Database(replace(settings, pool_size=UPGRADE_CONNECTIONS), socket_seconds=None)
    try:
        yield database
    finally:
        database.close()
