"""The database: few connections, kept; a dead one replaced before a transaction begins; errors told by what to do about them.

Nothing here sets a parameter of the session or prepares a named statement, so RDS Proxy can share its connections
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pg8000
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from flowforge.metadata.credentials import SecretCredentials
from flowforge.metadata.database_settings import DatabaseSettings
from flowforge.model.errors import CommitUnknown, ConfigFault, FlowForgeError, RetryLater

SOCKET_SECONDS = 20.0
"""The longest that a connection or a statement is waited for: less than a load balancer waits for the function."""
WAIT_FOR_CONNECTION_SECONDS = 10.0
APPLICATION_NAME = "flowforge"
BEGIN = "begin transaction"
# https://www.postgresql.org/docs/current/errcodes-appendix.html
LOGIN_REFUSED = frozenset({"28P01", "28000"})
SESSION_ENDED = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})
PASSING = SESSION_ENDED | frozenset({"40001", "40P01", "53300", "55P03"})
"""Serialization, deadlock, too many connections, a lock not to be had, and the end of a session."""


class Database:
    """A pool of connections and what is done through it. One for each process; safe to use from threads."""

    def __init__(
        self,
        settings: DatabaseSettings,
        credentials: SecretCredentials | None = None,
        *,
        socket_seconds: float | None = SOCKET_SECONDS,
    ) -> None:
        self._credentials = credentials or (SecretCredentials(settings.secret_arn) if settings.secret_arn else None)
        self.engine: Engine = create_engine(
            settings.url,
            connect_args={**settings.driver_options, "timeout": socket_seconds, "application_name": APPLICATION_NAME},
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=WAIT_FOR_CONNECTION_SECONDS,
            # The connections that were used last are used again, so that the others may be closed by whoever counts them.
            pool_use_lifo=True,
        )
        event.listen(self.engine, "handle_error", _notice_end_of_session)
        if self._credentials is not None:
            event.listen(self.engine, "do_connect", self._log_in)

    @classmethod
    def from_environment(cls) -> "Database":
        """The database that the environment names. Raises ConfigFault."""
        return cls(DatabaseSettings.from_environment(os.environ))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction, committed at the block's end and rolled back where the block raises.

        Raises RetryLater where the server is not to be had or the transaction lost to another one, CommitUnknown where the
        answer to a commit was lost, ConfigFault where the server refuses the login or a value that was not checked before.
        """
        connection = self._begun()
        try:
            try:
                yield connection
            except DBAPIError as error:
                raise _translate(error) from error
            try:
                connection.commit()
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise CommitUnknown("the database went away while a transaction was committed") from error
                raise _translate(error) from error
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self.engine.dispose()

    def _begun(self) -> Connection:
        """A connection in a transaction that the server has begun.

        BEGIN goes out by itself, so it also shows whether a kept connection still lives. Where it does not, nothing of the
        transaction has happened, and one more try is safe; the pool gives a new connection for it. Later there is no such try.
        """
        try:
            try:
                return self._try_to_begin()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                return self._try_to_begin()
        except DBAPIError as error:
            raise _translate(error) from error
        except PoolTimeoutError as error:
            raise RetryLater(f"no connection to the database became free in {WAIT_FOR_CONNECTION_SECONDS:.0f} s") from error

    def _try_to_begin(self) -> Connection:
        connection = self.engine.connect()
        try:
            # The driver begins a transaction before the first statement; an empty statement is the cheapest one.
            connection.exec_driver_sql("")
        except BaseException:
            connection.close()
            raise
        return connection

    def _log_in(
        self, dialect: Dialect, _entry: ConnectionPoolEntry, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> DBAPIConnection:
        """Connect with the secret's login; where it is refused, once more with the secret as it is now."""
        if self._credentials is None:
            raise RuntimeError("no credentials to log in with")
        login = self._credentials.current()
        try:
            return dialect.connect(*arguments, **{**options, "user": login.user, "password": login.password})
        except pg8000.Error as error:
            if sqlstate_of(error) not in LOGIN_REFUSED:
                raise
        login = self._credentials.after_failure_of(login)
        return dialect.connect(*arguments, **{**options, "user": login.user, "password": login.password})


def _notice_end_of_session(context: ExceptionContext) -> None:
    """A server that ends a session says so in an error, which the dialect does not take for the end of the connection."""
    if sqlstate_of(context.original_exception) in SESSION_ENDED:
        context.is_disconnect = True


def sqlstate_of(error: BaseException | None) -> str:
    """The server's code of an error, or an empty text."""
    details = error.args[0] if error is not None and error.args else None
    return str(details.get("C", "")) if isinstance(details, dict) else ""


def constraint_of(error: DBAPIError) -> str:
    """The name of the constraint that a statement broke, or an empty text."""
    details = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return str(details.get("n", "")) if isinstance(details, dict) else ""


def _translate(error: DBAPIError) -> FlowForgeError:
    state = sqlstate_of(error.orig)
    if state in LOGIN_REFUSED:
        return ConfigFault(
            "the database refuses the login: check the user and the password, or the secret", option="DATABASE_URL"
        )
    details = error.orig.args[0] if error.orig is not None and error.orig.args else ""
    message = str(details.get("M", "")) if isinstance(details, dict) else str(details)
    if not state or state in PASSING or error.connection_invalidated:
        return RetryLater(f"the database cannot be used now: {message}")
    return ConfigFault(f"the database refuses it ({state}): {message}")
