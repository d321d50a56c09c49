"""Tokens of the API: the secret is told once and kept as its hash."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, func, insert, or_, select, update

from flowforge.metadata import audit
from flowforge.metadata.audit import Actor
from flowforge.metadata.identifiers import new_id
from flowforge.metadata.refusals import NotThere
from flowforge.metadata.schema import api_tokens
from flowforge.model.environment import Environment
from flowforge.model.errors import ConfigFault
from flowforge.model.role import Role

PREFIX = "ff_"
SECRET_BYTES = 32
"""256 bits of chance, which nobody can try out: one round of SHA-256 keeps them as well as a slow hash would."""
USE_IS_NOTED_EVERY = timedelta(minutes=1)
ENTITY = "token"


@dataclass(frozen=True)
class NewToken:
    """A token that was just made. ``secret`` is what its holder sends; it can be told now and never again."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class TokenHolder:
    """What a token allows."""

    id: str
    name: str
    role: Role
    environment: Environment


def create_token(
    connection: Connection,
    actor: Actor,
    name: str,
    role: Role,
    environment: Environment,
    *,
    expires_at: datetime | None = None,
    secret: str | None = None,
) -> NewToken:
    """Make a token. ``secret`` is stated for the one that a laptop makes at its start; it must be as hard to guess.

    Raises ConfigFault for an empty name and for an end that has passed.
    """
    if not 1 <= len(name) <= 200:
        raise ConfigFault("a token needs a name of at most 200 characters, by which people know what uses it", option="name")
    if expires_at is not None and expires_at <= connection.execute(select(func.now())).scalar_one():
        raise ConfigFault(f"the token would end before it is made, at {expires_at.isoformat()}", option="expiresAt")
    made = NewToken(new_id("tok"), secret or f"{PREFIX}{secrets.token_urlsafe(SECRET_BYTES)}")
    values = {"id": made.id, "name": name, "role": role, "environment": environment, "expires_at": expires_at}
    hidden = {"secret_sha256": _hash(made.secret), "created_by": actor.name}
    connection.execute(insert(api_tokens).values(values | hidden))
    told = {**values, "expires_at": None if expires_at is None else expires_at.isoformat()}
    audit.write(connection, actor, "create", (ENTITY, made.id), after=told)
    return made


def holder_of(connection: Connection, secret: str, environment: Environment) -> TokenHolder | None:
    """Whose token it is; None for one that is unknown, revoked, past its end, or of another environment.

    Its use is noted once a minute, so that reading through the API does not write each time.
    """
    now = func.now()
    valid = (
        (api_tokens.c.secret_sha256 == _hash(secret))
        & (api_tokens.c.environment == environment)
        & api_tokens.c.revoked_at.is_(None)
        & or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > now)
    )
    row = connection.execute(select(api_tokens).where(valid)).mappings().first()
    if row is None:
        return None
    long_ago = or_(api_tokens.c.last_used_at.is_(None), api_tokens.c.last_used_at < now - USE_IS_NOTED_EVERY)
    if row["last_used_at"] is None or connection.execute(select(long_ago).where(api_tokens.c.id == row["id"])).scalar_one():
        connection.execute(update(api_tokens).where(api_tokens.c.id == row["id"], long_ago).values(last_used_at=now))
    return TokenHolder(row["id"], row["name"], row["role"], row["environment"])


def revoke_token(connection: Connection, actor: Actor, token_id: str) -> None:
    """End a token; one that has ended stays as it is. Raises NotThere."""
    row = connection.execute(select(api_tokens).where(api_tokens.c.id == token_id).with_for_update()).mappings().first()
    if row is None:
        raise NotThere(f"there is no token {token_id}", option="tokenId")
    if row["revoked_at"] is None:
        connection.execute(update(api_tokens).where(api_tokens.c.id == token_id).values(revoked_at=func.now()))
        audit.write(connection, actor, "revoke", (ENTITY, token_id), before={"name": row["name"], "role": row["role"]})


def tokens(connection: Connection) -> list[RowMapping]:
    """Every token, newest first, with nothing of its secret."""
    shown = [column for column in api_tokens.c if column is not api_tokens.c.secret_sha256]
    return list(connection.execute(select(*shown).order_by(api_tokens.c.created_at.desc(), api_tokens.c.id)).mappings())


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
