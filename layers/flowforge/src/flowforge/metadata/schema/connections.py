"""Connections to databases of others. What opens them is in Secrets Manager; here is only the secret's name."""

from enum import StrEnum

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, Table, Text, true

from flowforge.metadata.schema.base import IDENTIFIER_PATTERN, METADATA, held_enum, instant, matches, words
from flowforge.model.connection_type import ConnectionType


class TestStatus(StrEnum):
    """How the last test of a connection went."""

    SUCCESS = "success"
    FAILED = "failed"


connections = Table(
    "connections",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    words("description"),
    Column("type", held_enum(ConnectionType, "connection_type"), nullable=False),
    Column("host", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("database", Text, nullable=False),
    Column("secret_arn", Text, nullable=False),
    Column("ssl_enabled", Boolean, nullable=False, server_default=true()),
    Column("connection_timeout_seconds", Integer, nullable=False, server_default="30"),
    Column("version", Integer, nullable=False, server_default="1"),
    instant("last_tested_at"),
    Column("last_test_status", held_enum(TestStatus, "test_status")),
    words("last_test_message"),
    instant("created_at", given=True),
    words("created_by"),
    instant("updated_at", given=True),
    matches("id", IDENTIFIER_PATTERN),
    CheckConstraint("length(name) BETWEEN 1 AND 200", name="name"),
    CheckConstraint("port BETWEEN 1 AND 65535", name="port"),
    CheckConstraint("secret_arn LIKE 'arn:%:secretsmanager:%:secret:%'", name="secret_arn"),
    CheckConstraint("connection_timeout_seconds BETWEEN 1 AND 300", name="connection_timeout_seconds"),
    CheckConstraint("version >= 1", name="version"),
    CheckConstraint("(last_tested_at IS NULL) = (last_test_status IS NULL)", name="last_test"),
)
