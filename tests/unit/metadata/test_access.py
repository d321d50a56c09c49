"""Tokens, roles and connections: no secret is kept, and every change is in the audit log."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, text, update

from databases import ANNA
from flowforge.metadata import audit
from flowforge.metadata.connections import (
    ConnectionDocument,
    all_connections,
    create_connection,
    delete_connection,
    find_connection,
    record_test,
    update_connection,
)
from flowforge.metadata.database import Database
from flowforge.metadata.refusals import Changed, InUse, NameTaken, NotThere
from flowforge.metadata.schema import api_tokens
from flowforge.metadata.tokens import create_token, holder_of, revoke_token, tokens
from flowforge.metadata.users import give_role, people, remove_user, role_of
from flowforge.model.connection_type import ConnectionType
from flowforge.model.environment import Environment
from flowforge.model.errors import ConfigFault
from flowforge.model.role import Role

NOW = datetime.now(UTC)
ALL_TEXT = "SELECT coalesce(string_agg(t::text, ' '), '') FROM {} t"
CONNECTION = ConnectionDocument(
    name="Bank",
    type=ConnectionType.POSTGRESQL,
    host="db.example.com",
    port=5432,
    database="bank",
    secret_arn="arn:aws:secretsmanager:us-east-1:123456789012:secret:bank-AbCdEf",
)


def test_a_token_is_told_once_and_opens_its_environment_alone(database: Database) -> None:
    with database.transaction() as connection:
        made = create_token(connection, ANNA, "ci", Role.OPERATOR, Environment.QA)
        holder = holder_of(connection, made.secret, Environment.QA)
        assert holder is not None
        assert (holder.id, holder.role, holder.environment) == (made.id, Role.OPERATOR, Environment.QA)
        assert holder_of(connection, made.secret, Environment.PROD) is None
        assert holder_of(connection, made.secret + "x", Environment.QA) is None
        assert "secret_sha256" not in tokens(connection)[0]
        for table in ("api_tokens", "audit_log"):
            assert made.secret not in connection.execute(text(ALL_TEXT.format(table))).scalar_one()
    assert made.secret not in repr(made)


def test_a_token_ends_when_it_is_revoked_and_when_its_time_is_over(database: Database) -> None:
    with database.transaction() as connection:
        made = create_token(connection, ANNA, "ci", Role.VIEWER, Environment.DEV, expires_at=NOW + timedelta(days=1))
        assert holder_of(connection, made.secret, Environment.DEV) is not None
        over = {"created_at": NOW - timedelta(days=3), "expires_at": NOW - timedelta(days=1)}
        connection.execute(update(api_tokens).values(over))
        assert holder_of(connection, made.secret, Environment.DEV) is None
        connection.execute(update(api_tokens).values(expires_at=None))
        revoke_token(connection, ANNA, made.id)
        revoke_token(connection, ANNA, made.id)
        assert holder_of(connection, made.secret, Environment.DEV) is None
        assert [line["action"] for line in audit.entries(connection, entity_type="token")] == ["revoke", "create"]
        with pytest.raises(NotThere):
            revoke_token(connection, ANNA, "tok_none")
        with pytest.raises(ConfigFault, match="before it is made"):
            create_token(connection, ANNA, "ci", Role.VIEWER, Environment.DEV, expires_at=NOW - timedelta(days=1))


def test_the_use_of_a_token_is_noted_once_a_minute(database: Database) -> None:
    with database.transaction() as connection:
        made = create_token(connection, ANNA, "ci", Role.VIEWER, Environment.DEV)
        now = connection.execute(select(func.now())).scalar_one()
        for last, noted in ((None, True), (now - timedelta(seconds=20), False), (now - timedelta(minutes=9), True)):
            connection.execute(update(api_tokens).values(last_used_at=last))
            holder_of(connection, made.secret, Environment.DEV)
            assert (tokens(connection)[0]["last_used_at"] != last) is noted


def test_the_first_admin_is_one_until_there_is_another_and_the_last_one_stays(database: Database) -> None:
    with database.transaction() as connection:
        assert role_of(connection, "sub-1", first_admin="sub-1") is Role.ADMIN
        assert role_of(connection, "sub-2", first_admin="sub-1") is None
        give_role(connection, ANNA, "sub-2", Role.ADMIN, email="b@example.com")
        assert role_of(connection, "sub-1", first_admin="sub-1") is None
        give_role(connection, ANNA, "sub-2", Role.ADMIN)
        assert people(connection)[0]["email"] == "b@example.com"
        with pytest.raises(InUse, match="last admin"):
            give_role(connection, ANNA, "sub-2", Role.VIEWER)
        with pytest.raises(InUse, match="last admin"):
            remove_user(connection, ANNA, "sub-2")
        give_role(connection, ANNA, "sub-3", Role.ADMIN)
        remove_user(connection, ANNA, "sub-2")
        with pytest.raises(NotThere):
            remove_user(connection, ANNA, "sub-2")
        lines = audit.entries(connection, entity_type="user", entity_id="sub-2")
        assert [(line["action"], line["before"]) for line in lines[:1]] == [("remove", {"role": "admin"})]


def test_roles_include_those_below() -> None:
    assert [Role.OPERATOR.includes(role) for role in Role] == [True, True, False]


def test_a_connection_names_its_secret_and_holds_none(database: Database) -> None:
    with pytest.raises(ValidationError, match="password"):
        ConnectionDocument.model_validate({**CONNECTION.model_dump(), "password": "hunter2"})
    with pytest.raises(ValidationError, match="secretArn"):
        ConnectionDocument.model_validate({**CONNECTION.model_dump(by_alias=True), "secretArn": "hunter2"})
    with database.transaction() as connection:
        made = create_connection(connection, ANNA, CONNECTION)
        with pytest.raises(NameTaken):
            create_connection(connection, ANNA, CONNECTION)
        record_test(connection, made, passed=True, message="PostgreSQL 18")
        row = find_connection(connection, made)
        assert row is not None
        assert (row["last_test_status"], row["version"]) == ("success", 1)
        update_connection(connection, ANNA, made, CONNECTION.model_copy(update={"port": 5433}), version=1)
        with pytest.raises(Changed):
            update_connection(connection, ANNA, made, CONNECTION, version=1)
        assert [(item["port"], item["last_test_status"]) for item in all_connections(connection)] == [(5433, None)]
        delete_connection(connection, ANNA, made)
        with pytest.raises(NotThere):
            delete_connection(connection, ANNA, made)
        lines = audit.entries(connection, entity_type="connection")
        assert [line["action"] for line in lines] == ["delete", "update", "create"]
        assert [line["action"] for line in audit.entries(connection, actor="anna", before_id=lines[0]["id"], limit=1)] == [
            "update"
        ]
    with pytest.raises(ConfigFault, match="23514"), database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO connections (id, name, type, host, port, database, secret_arn) "
                "VALUES ('c', 'c', 'mysql', 'h', 1, 'd', 'hunter2')"
            )
        )
