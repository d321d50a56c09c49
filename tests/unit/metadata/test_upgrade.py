"""Revisions on a real server: up from every one, down again, twice at once, and what the check sees."""

import threading

import pytest
from sqlalchemy import text

from databases import Server, shop
from flowforge.metadata import audit
from flowforge.metadata.database import Database
from flowforge.metadata.schema_check import problems_of
from flowforge.metadata.upgrade import downgrade, revision_of, revisions, upgrade
from flowforge.model.errors import ConfigFault

TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
TYPES = "SELECT count(*) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE nspname = 'public' AND typtype = 'e'"


def problems(database: Database) -> list[str]:
    with database.transaction() as connection:
        return problems_of(connection)


def test_an_empty_database_and_one_of_every_earlier_revision_come_to_the_newest_schema(postgres: Server) -> None:
    with postgres.opened(postgres.create(), pool_size=2) as database:
        for revision in revisions():
            assert upgrade(database, revision)[1] == revision
        assert problems(database) == []
        for revision in reversed(revisions()[:-1]):
            downgrade(database, revision)
            assert revision in problems(database)[0]
            assert upgrade(database) == (revision, revisions()[-1])
        assert problems(database) == []


def test_the_way_down_leaves_nothing(postgres: Server) -> None:
    with postgres.opened(postgres.copy(), pool_size=2) as database:
        assert downgrade(database, "base") == (revisions()[-1], None)
        with database.transaction() as connection:
            assert connection.execute(text(TABLES)).scalar_one() == 1  # Alembic's own
            assert connection.execute(text(TYPES)).scalar_one() == 0


def test_rows_survive_what_comes_after_their_revision(postgres: Server) -> None:
    with postgres.opened(postgres.create(), pool_size=2) as database:
        upgrade(database, "0001")
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO workflows (id, name, slug, environment) VALUES ('wf', 'Shop', 'shop', 'qa')"))
        upgrade(database)
        with database.transaction() as connection:
            assert connection.execute(text("SELECT name, concurrency FROM workflows")).one() == ("Shop", "queue")


def test_two_upgrades_at_once_do_the_work_once(postgres: Server) -> None:
    name, ends = postgres.create(), []

    def go_up() -> None:
        with postgres.opened(name, pool_size=2) as database:
            ends.append(upgrade(database))

    threads = [threading.Thread(target=go_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    newest = revisions()[-1]
    assert sorted(ends, key=str) == [(newest, newest), (newest, newest), (None, newest)]


def test_an_unknown_revision_is_told_with_those_that_there_are(database: Database) -> None:
    with pytest.raises(ConfigFault, match="0001, 0002"):
        upgrade(database, "9999")
    with database.transaction() as connection:
        assert revision_of(connection) == revisions()[-1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("ALTER TABLE workflows DROP COLUMN team", "team"),
        ("ALTER TABLE workflows ALTER COLUMN team DROP NOT NULL", "team"),
        ("DROP INDEX executions_newest_idx", "executions_newest_idx"),
        ("ALTER TYPE priority ADD VALUE 'urgent'", "urgent"),
        ("ALTER TABLE jobs DROP CONSTRAINT jobs_order_index_check", "jobs_order_index_check"),
        ("ALTER TABLE jobs DROP CONSTRAINT jobs_workflow_id_fkey CASCADE", "workflow"),
        ("CREATE TABLE extra (id int)", "extra"),
        ("UPDATE alembic_version SET version_num = '9999'", "newer than the program"),
    ],
)
def test_the_check_names_what_differs(database: Database, change: str, told: str) -> None:
    with database.transaction() as connection:
        connection.execute(text(change))
        assert told in " ".join(problems_of(connection))
        connection.rollback()


def test_the_audit_log_can_only_grow(database: Database) -> None:
    with database.transaction() as connection:
        shop(connection)
        assert [line["action"] for line in audit.entries(connection)] == ["create"]
    for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with pytest.raises(ConfigFault, match="can only grow"), database.transaction() as connection:
            connection.execute(text(statement))
