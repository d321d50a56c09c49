"""The laptop's PostgreSQL: data survive a kill, nobody gets in without the password, nothing is left behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import make_url, text

from flowforge.local.errors import LocalStackError
from flowforge.local.leftovers import mark_of, processes_of_stack
from flowforge.local.postgres import Postgres
from flowforge.local.postgres_binaries import ServerUser, home_of_server, remove_database_beside
from flowforge.local.reaper import Reaper
from flowforge.local.stack_database import given_url
from flowforge.metadata.database import Database
from flowforge.metadata.database_settings import DatabaseSettings
from flowforge.model.errors import ConfigFault


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    state = tmp_path_factory.mktemp("state").resolve()
    yield state
    remove_database_beside(state)


@pytest.fixture(scope="module")
def server(state: Path) -> Iterator[Postgres]:
    reaper = Reaper(mark_of(state))
    server = Postgres(state, reaper, mark=mark_of(state))
    server.start()
    server.wait_ready()
    yield server
    server.stop()
    reaper.close()
    assert processes_of_stack(state) == []


def asked(url: str, statement: str) -> object:
    database = Database(DatabaseSettings.of_url(url))
    try:
        with database.transaction() as connection:
            result = connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        database.close()


def test_what_was_committed_survives_a_kill_and_the_server_comes_back_at_the_same_address(server: Postgres) -> None:
    url = server.url
    asked(url, "CREATE TABLE kept (n int)")
    asked(url, "INSERT INTO kept VALUES (7)")
    postmaster = server.pid
    assert postmaster is not None
    os.killpg(postmaster, signal.SIGKILL)
    psutil.Process(postmaster).wait()
    assert server.ended()
    server.restart()
    assert server.url == url
    assert asked(url, "SELECT n FROM kept") == 7


def test_nobody_gets_in_without_the_password(server: Postgres) -> None:
    wrong = make_url(server.url).set(password="guessed").render_as_string(hide_password=False)
    with pytest.raises(ConfigFault, match="refuses the login"):
        asked(wrong, "SELECT 1")


def test_it_listens_on_this_machine_alone_and_runs_as_no_root(server: Postgres) -> None:
    assert asked(server.url, "SHOW listen_addresses") == "127.0.0.1"
    assert asked(server.url, "SHOW unix_socket_directories") == ""
    assert psutil.Process(server.pid).uids().effective != 0


@pytest.mark.usefixtures("server")
def test_its_data_and_its_password_are_its_users_alone(state: Path) -> None:
    home = home_of_server(state, ServerUser.of_this_process())
    assert [(home / name).stat().st_mode & 0o077 for name in ("", "data", "password")] == [0, 0, 0]
    assert not list(home.glob("new-*"))


def test_a_url_that_an_earlier_start_told_a_shell_is_not_taken_for_another_server(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", make_url(server.url).set(port=1).render_as_string(hide_password=False))
    assert given_url(server) is None
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:mine@db.example.com/flowforge")
    assert given_url(server) == "postgresql://me:mine@db.example.com/flowforge"


def test_a_server_that_cannot_start_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    state = tmp_path.resolve()
    reaper = Reaper(mark_of(state))
    server = Postgres(state, reaper, options={"shared_buffers": "much"})
    try:
        server.start()
        with pytest.raises(LocalStackError, match="shared_buffers"):
            server.wait_ready()
    finally:
        server.stop()
        reaper.close()
        remove_database_beside(state)
