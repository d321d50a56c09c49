"""The audit log."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import JsonValue

from flowforge.metadata.audit import MAX_PAGE, entries
from flowforge.model.base import Document
from flowforge.web.access import Admin
from flowforge.web.services import Used

router = APIRouter(tags=["audit"])
MAX_ID = 2**63 - 1


class AuditEntry(Document):
    """Who did what to which thing, with what it was before and after."""

    id: int
    at: datetime
    actor_kind: str
    actor: str
    action: str
    entity_type: str
    entity_id: str
    before: dict[str, JsonValue] | None
    after: dict[str, JsonValue] | None
    request_id: str


class AuditPage(Document):
    """Lines, newest first; ``next_before`` asks for those before them, None at the end."""

    entries: list[AuditEntry]
    next_before: int | None


@router.get("/api/audit")
def list_entries(
    services: Used,
    _caller: Admin,
    *,
    entity_type: Annotated[str | None, Query(alias="entityType", max_length=100)] = None,
    entity_id: Annotated[str | None, Query(alias="entityId", max_length=300)] = None,
    actor: Annotated[str | None, Query(max_length=300)] = None,
    before: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> AuditPage:
    """What was done, newest first."""
    with services.transaction() as connection:
        rows = entries(connection, entity_type=entity_type, entity_id=entity_id, actor=actor, before_id=before, limit=limit)
    shown = [AuditEntry.model_validate({name: row[name] for name in AuditEntry.model_fields}) for row in rows]
    return AuditPage(entries=shown, next_before=shown[-1].id if len(shown) == limit else None)
