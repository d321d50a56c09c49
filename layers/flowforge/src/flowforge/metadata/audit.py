"""The audit log: who did what to which thing, with what it was before and after."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from flowforge.metadata.schema import audit_log
from flowforge.metadata.schema.access import ActorKind

MAX_PAGE = 500


@dataclass(frozen=True)
class Actor:
    """Who acts: a person by ``sub``, a token by its id, or the product. ``request_id`` joins the log lines of one request."""

    kind: ActorKind
    name: str
    request_id: str = ""


SYSTEM = Actor(ActorKind.SYSTEM, "flowforge")


def write(
    connection: Connection,
    actor: Actor,
    action: str,
    entity: tuple[str, str],
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add a line in the transaction of the change, so that there is no change without its line.

    ``entity`` is type and id. ``before`` is None for what is new, ``after`` for what is gone; both are JSON, without secrets.
    """
    connection.execute(
        insert(audit_log).values(
            actor_kind=actor.kind,
            actor=actor.name,
            action=action,
            entity_type=entity[0],
            entity_id=entity[1],
            before=before,
            after=after,
            request_id=actor.request_id,
        )
    )


def entries(
    connection: Connection,
    *,
    entity_type: str | None = None,
    entity_id: str | None = None,
    actor: str | None = None,
    before_id: int | None = None,
    limit: int = 50,
) -> list[RowMapping]:
    """Lines, newest first; ``before_id`` is the last id of the page before."""
    query = select(audit_log).order_by(audit_log.c.id.desc()).limit(min(limit, MAX_PAGE))
    for column, value in ((audit_log.c.entity_type, entity_type), (audit_log.c.entity_id, entity_id), (audit_log.c.actor, actor)):
        if value is not None:
            query = query.where(column == value)
    if before_id is not None:
        query = query.where(audit_log.c.id < before_id)
    return list(connection.execute(query).mappings())
