"""The laptop's PostgreSQL: a server of the state folder's own, on 127.0.0.1, with a password that was drawn for it."""

import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL, make_url

from flowforge.local.emulator import free_port
from flowforge.local.errors import LocalStackError
from flowforge.local.postgres_binaries import ServerUser, home_of_server, programs
from flowforge.local.processes import ChildProcess
from flowforge.local.reaper import Reaper
from flowforge.metadata.database import Database
from flowforge.metadata.database_settings import DatabaseSettings
from flowforge.model.errors import RetryLater

USER = "flowforge"
MAX_CONNECTIONS = 50
START_SECONDS = 60.0
STOP_SECONDS = 10.0
_POLL_SECONDS = 0.02
_LOG_TAIL_BYTES = 2000


class Postgres:
    """The server's process. ``start`` returns at once, ``wait_ready`` when it answers, ``stop`` when it is gone.

    The data stays in the state folder. ``options`` are settings of the server; ``mark`` goes into its environment.
    """

    def __init__(
        self, state: Path, reaper: Reaper, *, mark: Mapping[str, str] | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self._user = ServerUser.of_this_process()
        self._home = home_of_server(state, self._user)
        self._data = self._home / "data"
        self._password_file = self._home / "password"
        self._log_path = state / "logs" / "postgres.log"
        self._reaper = reaper
        self._mark = mark or {}
        self._options = options or {}
        self._port = free_port()
        self._process: ChildProcess | None = None

    @property
    def url(self) -> str:
        """Where clients find it, as libpq and SQLAlchemy take it. Known once it was started."""
        password = self._password_file.read_text(encoding="ascii")
        url = URL.create("postgresql", USER, password, "127.0.0.1", self._port, "postgres")
        return url.render_as_string(hide_password=False)

    def is_ours(self, url: str) -> bool:
        """Whether a URL is one of this folder's server, now or of an earlier start: the password was drawn for it."""
        password = make_url(url).password
        return self._password_file.exists() and password == self._password_file.read_text(encoding="ascii")

    def start(self) -> None:
        """Start the process, with new data the first time. Raises LocalStackError."""
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        self._user.owns(self._home)
        folder = programs(self._home, self._user)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(folder)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": str(MAX_CONNECTIONS),
            "timezone": "UTC",
            **self._options,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log_path.open("ab") as log:
            self._process = ChildProcess.start(
                [str(folder / "postgres"), "-D", str(self._data), *arguments],
                reaper=self._reaper,
                cwd=Path("/"),
                environment=self._environment(),
                log=log,
                # SIGTERM would wait for clients, which keep their connections.
                end_signal=signal.SIGINT,
                options=self._user.process_options,
            )

    def wait_ready(self, *, seconds: float = START_SECONDS) -> None:
        """Wait until it answers. Raises LocalStackError, with the end of its log, where it ended or took too long."""
        if self._process is None:
            raise LocalStackError("PostgreSQL was not started")
        deadline = time.monotonic() + seconds
        database = Database(DatabaseSettings.of_url(self.url))
        try:
            while not _answers(database):
                if self.ended():
                    raise LocalStackError(f"PostgreSQL ended with exit status {self._process.poll()}.\n{self._log_tail()}")
                if time.monotonic() > deadline:
                    raise LocalStackError(f"PostgreSQL did not answer within {seconds:.0f} s.\n{self._log_tail()}")
                time.sleep(_POLL_SECONDS)
        finally:
            database.close()

    @property
    def pid(self) -> int | None:
        """The process id of its group; None before the start."""
        return None if self._process is None else self._process.pid

    def ended(self) -> bool:
        """Whether it was started and has ended since, without being stopped."""
        return self._process is not None and self._process.poll() is not None

    def restart(self) -> None:
        """Start again, at the same port, after its end. Raises LocalStackError."""
        if self._process is not None:
            self._process.stop(seconds=0)
        self.start()
        self.wait_ready()

    def stop(self) -> None:
        """End the server in order; sessions are ended, and what was committed is kept."""
        if self._process is not None:
            self._process.stop(seconds=STOP_SECONDS)

    def _initialise(self, folder: Path) -> None:
        """Make the data. It takes its name when it is complete, so that a process that was killed leaves nothing half made."""
        with tempfile.TemporaryDirectory(dir=self._home, prefix="new-") as made:
            beside = Path(made)
            self._user.owns(beside)
            password = beside / "password"
            password.touch(mode=0o600)
            password.write_text(secrets.token_urlsafe(24), encoding="ascii")
            if self._user.is_other:
                os.chown(password, self._user.uid, self._user.gid)
            command = ["-D", str(beside / "data"), "-U", USER, "-A", "scram-sha-256", "--pwfile", str(password)]
            done = subprocess.run(  # noqa: S603 -- our own command
                [str(folder / "initdb"), *command, "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"],
                cwd="/",
                env=self._environment(),
                capture_output=True,
                text=True,
                check=False,
                **self._user.process_options,
            )
            if done.returncode != 0:
                raise LocalStackError(f"PostgreSQL could not make its data in {self._home}:\n{done.stderr[-_LOG_TAIL_BYTES:]}")
            password.replace(self._password_file)
            (beside / "data").replace(self._data)

    def _environment(self) -> dict[str, str]:
        # Settings of other servers (PGDATA, PGPORT, PGOPTIONS) are not for this one.
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR")}
        return {**kept, "LC_ALL": "C", "TZ": "UTC", **self._mark}

    def _log_tail(self) -> str:
        tail = self._log_path.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
        return f"The end of {self._log_path}:\n{tail or '(it is empty)'}"


def _answers(database: Database) -> bool:
    try:
        with database.transaction():
            return True
    except RetryLater:
        return False
