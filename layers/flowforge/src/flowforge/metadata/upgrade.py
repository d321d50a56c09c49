"""Moving a database between revisions, one process at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from flowforge.metadata.database import Database, sqlstate_of
from flowforge.model.errors import ConfigFault, RetryLater

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 0x464C4F5746
"""Any number that nobody else in the database takes: FLOWF."""
LOCK_SECONDS = 10
"""How long a migration waits for a table: while it waits, everybody who wants the table waits behind it."""
LOCK_NOT_AVAILABLE = "55P03"
HEAD, BASE = "head", "base"


def upgrade(database: Database, revision: str = HEAD) -> tuple[str | None, str | None]:
    """Take the database up to a revision; the answer is where it was and where it is. Two at once do the work once.

    Raises ConfigFault for an unknown revision, RetryLater where a table was in use for too long; the database is then at a
    revision in between, and the same command goes on from there.
    """
    return _move(database, lambda config: command.upgrade(config, revision))


def downgrade(database: Database, revision: str) -> tuple[str | None, str | None]:
    """Take the database down to a revision, ``base`` for an empty one. What later revisions hold is lost. Raises as upgrade."""
    return _move(database, lambda config: command.downgrade(config, revision))


def revisions() -> list[str]:
    """Every revision, the first one first."""
    script = ScriptDirectory.from_config(_config())
    return [item.revision for item in reversed(list(script.walk_revisions()))]


def revision_of(connection: Connection) -> str | None:
    """The revision that the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _move(database: Database, work: Callable[[Config], None]) -> tuple[str | None, str | None]:
    with _alone(database), database.engine.connect() as connection:
        before = revision_of(connection)
        connection.execute(text(f"SET lock_timeout = '{LOCK_SECONDS}s'"))
        connection.commit()
        try:
            work(_config(connection))
        except CommandError as error:
            raise ConfigFault(f"{error}; the revisions are {', '.join(revisions())}", option="revision") from error
        except DBAPIError as error:
            if sqlstate_of(error.orig) == LOCK_NOT_AVAILABLE:
                raise RetryLater(
                    f"a table was in use for {LOCK_SECONDS} s; the database is unchanged since its last revision"
                ) from error
            raise
        after = revision_of(connection)
        # A session that was told to wait no longer must not come back to the pool.
        connection.invalidate()
        return before, after


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Hold the lock of migrations; its transaction has no snapshot, so it holds up no index that is built beside."""
    with database.transaction() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})
        yield
