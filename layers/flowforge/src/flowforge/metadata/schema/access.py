"""Who may do what, and who did what. Secrets are kept as hashes; the audit log can only grow."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from flowforge.metadata.schema.base import METADATA, held_enum, instant, words
from flowforge.metadata.schema.workflows import environment_type
from flowforge.model.role import Role

role_type = held_enum(Role, "role")


class ActorKind(StrEnum):
    """Who acts: a person who signed in, a token, or the product itself."""

    USER = "user"
    TOKEN = "token"  # noqa: S105 -- a kind, no secret
    SYSTEM = "system"


users = Table(
    "users",
    METADATA,
    Column("sub", Text, primary_key=True),
    words("email"),
    words("name"),
    Column("role", role_type, nullable=False),
    instant("created_at", given=True),
    instant("updated_at", given=True),
    words("updated_by"),
    CheckConstraint("length(sub) BETWEEN 1 AND 255", name="sub"),
)

api_tokens = Table(
    "api_tokens",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_sha256", LargeBinary, nullable=False, unique=True),
    Column("role", role_type, nullable=False),
    Column("environment", environment_type, nullable=False),
    words("created_by"),
    instant("created_at", given=True),
    instant("expires_at"),
    instant("revoked_at"),
    instant("last_used_at"),
    CheckConstraint("length(secret_sha256) = 32", name="secret_sha256"),
    CheckConstraint("length(name) BETWEEN 1 AND 200", name="name"),
    CheckConstraint("expires_at > created_at", name="expires_at"),
)

audit_log = Table(
    "audit_log",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    instant("at", given=True),
    Column("actor_kind", held_enum(ActorKind, "actor_kind"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("entity_id", Text, nullable=False),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB(none_as_null=True)),
    words("request_id"),
)
Index("audit_log_entity_idx", audit_log.c.entity_type, audit_log.c.entity_id, audit_log.c.id.desc())
Index("audit_log_actor_idx", audit_log.c.actor, audit_log.c.id.desc())
