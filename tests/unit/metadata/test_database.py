"""Connections: few, verified, replaced once, and with nothing in them that a proxy would have to keep."""

import json
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from databases import Server, orders_job, shop
from flowforge.metadata.credentials import SecretCredentials
from flowforge.metadata.database import APPLICATION_NAME, Database
from flowforge.metadata.database_settings import DatabaseSettings
from flowforge.metadata.workflow_list import workflow_page
from flowforge.model.errors import CommitUnknown, ConfigFault, RetryLater

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = :name AND datname = current_database()"
END_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def sessions(database: Database) -> int:
    with database.transaction() as connection:
        return int(connection.execute(text(SESSIONS), {"name": APPLICATION_NAME}).scalar_one())


def end_sessions_of(postgres: Server, database: Database) -> None:
    """End every session of a database from another one, as a restart of the server does."""
    with postgres.opened(str(database.engine.url.database)) as other, other.transaction() as connection:
        connection.execute(text(END_OTHERS))


def test_two_hundred_requests_at_once_have_no_more_sessions_than_the_pool(database: Database) -> None:
    most: list[int] = []

    def request() -> None:
        most.append(sessions(database))

    threads = [threading.Thread(target=request) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 200
    assert max(most) <= 4
    assert sessions(database) <= 4


def test_a_warm_function_keeps_one_session_from_call_to_call(postgres: Server) -> None:
    with postgres.opened(postgres.copy()) as database:
        pids = set()
        for _ in range(5):
            with database.transaction() as connection:
                pids.add(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
        assert len(pids) == 1
        assert sessions(database) == 1


def test_a_session_that_died_while_nobody_used_it_is_replaced_without_anybody_noticing(
    postgres: Server, database: Database
) -> None:
    with database.transaction() as connection:
        shop(connection)
    end_sessions_of(postgres, database)
    with database.transaction() as connection:
        assert workflow_page(connection)[1] == 1


def test_a_session_that_dies_within_a_transaction_is_told_and_nothing_of_it_is_kept(postgres: Server, database: Database) -> None:
    def work() -> None:
        with database.transaction() as connection:
            shop(connection)
            end_sessions_of(postgres, database)
            workflow_page(connection)

    with pytest.raises(RetryLater, match="cannot be used now"):
        work()
    with database.transaction() as connection:
        assert workflow_page(connection)[1] == 0


def test_a_commit_whose_answer_was_lost_is_of_unknown_end(postgres: Server, database: Database) -> None:
    def work() -> None:
        with database.transaction() as connection:
            shop(connection)
            end_sessions_of(postgres, database)

    with pytest.raises(CommitUnknown):
        work()


def test_a_server_that_is_not_there_is_tried_again_later() -> None:
    database = Database(DatabaseSettings.of_url("postgresql://nobody:x@127.0.0.1:1/none"))
    with pytest.raises(RetryLater, match="cannot be used now"), database.transaction():
        pass


def test_nothing_that_is_sent_makes_a_proxy_keep_a_session_for_its_client(postgres: Server) -> None:
    if postgres.log is None:
        pytest.skip("the server is somebody else's, and so is its log")
    name = postgres.copy()
    begin = Path(postgres.log).stat().st_size
    with postgres.opened(name) as database:
        for number in range(2):
            with database.transaction() as connection:
                shop(connection, f"Shop {number}", orders_job(name=f"Orders {number}"))
                workflow_page(connection)
    log = Path(postgres.log).read_bytes()[begin:].decode()
    # Both ways of sending are logged, each with the words below; a named statement has its name instead of <unnamed>.
    assert "statement: begin transaction" in log
    assert "execute <unnamed>: INSERT INTO workflows" in log
    assert log.count("execute ") == log.count("execute <unnamed>")
    words = {line.partition(": ")[2].partition(": ")[2].split(" ")[0].upper() for line in log.splitlines() if " LOG:  " in line}
    assert not words & {"SET", "PREPARE", "DECLARE", "LISTEN", "DISCARD", "RESET"}


def test_credentials_are_read_once_and_again_when_a_rotation_fails_a_login(postgres: Server) -> None:
    name = postgres.copy()
    postgres.administer("DROP ROLE IF EXISTS rotated", "CREATE ROLE rotated LOGIN PASSWORD 'first'")
    secret, reads = {"username": "rotated", "password": "first"}, []

    def fetch(arn: str) -> str:
        reads.append(arn)
        return json.dumps(secret)

    database = Database(postgres.settings(name), SecretCredentials("arn:secret", fetch))
    with database.transaction():
        pass
    database.close()
    with database.transaction():
        pass
    assert reads == ["arn:secret"]
    postgres.administer("ALTER ROLE rotated PASSWORD 'second'")
    database.close()
    secret["password"] = "second"
    with database.transaction():
        pass
    assert len(reads) == 2
    postgres.administer("ALTER ROLE rotated PASSWORD 'third'")
    database.close()
    with pytest.raises(ConfigFault, match="refuses the login") as refused, database.transaction():
        pass
    assert len(reads) == 3
    assert "second" not in str(refused.value)
    database.close()


@pytest.mark.parametrize("text_of_secret", ["no json: hunter2", '{"username": "hunter2"}', "[]"])
def test_a_secret_of_another_form_is_told_without_its_text(text_of_secret: str) -> None:
    with pytest.raises(ConfigFault) as refused:
        SecretCredentials("arn:secret", lambda _arn: text_of_secret).current()
    assert "hunter2" not in str(refused.value)


def test_a_stage_names_its_host_its_secret_and_the_certificates_that_the_server_is_verified_by(tmp_path: Path) -> None:
    stage = {"FLOWFORGE_DATABASE_HOST": "db.internal", "FLOWFORGE_DATABASE_SECRET_ARN": "arn:secret"}
    with pytest.raises(ConfigFault, match="there is no file"):
        DatabaseSettings.from_environment({**stage, "FLOWFORGE_DATABASE_CA_BUNDLE": str(tmp_path / "none.pem")})
    system = ssl.get_default_verify_paths().cafile
    if system is None:
        pytest.skip("this machine has no bundle of certificates")
    settings = DatabaseSettings.from_environment(
        {**stage, "FLOWFORGE_DATABASE_CA_BUNDLE": system, "FLOWFORGE_DATABASE_POOL_SIZE": "5"}
    )
    assert settings.tls is not None
    assert (settings.tls.verify_mode, settings.tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (settings.secret_arn, settings.pool_size, settings.url.password) == ("arn:secret", 5, None)


@pytest.mark.parametrize("bundle", [{}, {"FLOWFORGE_DATABASE_CA_BUNDLE": ""}])
def test_a_stage_that_names_no_certificates_is_verified_by_those_of_rds_and_by_no_others(bundle: dict[str, str]) -> None:
    stage = {"FLOWFORGE_DATABASE_HOST": "db.internal", "FLOWFORGE_DATABASE_SECRET_ARN": "arn:secret", **bundle}
    tls = DatabaseSettings.from_environment(stage).tls
    assert tls is not None
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
    authorities = tls.get_ca_certs()
    subjects: list[Any] = [item["subject"] for item in authorities]
    names = {value for subject in subjects for part in subject for name, value in part if name == "commonName"}
    assert {f"Amazon RDS eu-central-1 Root CA {kind} G1" for kind in ("RSA2048", "RSA4096", "ECC384")} <= names
    assert all(str(name).startswith("Amazon RDS ") for name in names)
    # A year is more than two releases of whoever uses this.
    soon = time.time() + 365 * 86_400
    assert all(ssl.cert_time_to_seconds(str(item["notAfter"])) > soon for item in authorities)


@pytest.mark.parametrize(
    ("url", "verified"),
    [
        ("postgresql://u:p@127.0.0.1/db", False),
        ("postgres://u:p@localhost:5432/db", False),
        ("postgresql://u@/db?unix_sock=/run/.s.PGSQL.5432", False),
        ("postgresql://u:p@db.example.com/db", True),
        ("postgresql://u:p@db.example.com/db?sslmode=disable", False),
        ("postgresql+pg8000://u:p@127.0.0.1/db?sslmode=verify-full", True),
    ],
)
def test_a_server_on_another_machine_is_verified_unless_the_url_says_otherwise(url: str, verified: bool) -> None:
    assert (DatabaseSettings.of_url(url).tls is not None) is verified


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, "the database is not named"),
        ({"DATABASE_URL": "sqlite:///x.db"}, "only PostgreSQL"),
        ({"DATABASE_URL": "hunter2"}, "is no URL"),
        ({"DATABASE_URL": "postgresql://u:hunter2@h/db?sslmode=require"}, "does not verify"),
        ({"DATABASE_URL": "postgresql://u:hunter2@h/db?color=red"}, "unknown options color"),
        ({"DATABASE_URL": "postgresql://u:hunter2@h/db", "FLOWFORGE_DATABASE_POOL_SIZE": "0"}, "whole number from 1"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named_without_a_password(environment: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigFault, match=told) as refused:
        DatabaseSettings.from_environment(environment)
    assert "hunter2" not in str(refused.value)


def test_a_server_without_tls_is_refused_where_it_has_to_be_verified(postgres: Server) -> None:
    settings = DatabaseSettings.of_url(f"{postgres.url}?sslmode=verify-full")
    with pytest.raises(RetryLater, match="refuses SSL"), Database(settings).transaction():
        pass
