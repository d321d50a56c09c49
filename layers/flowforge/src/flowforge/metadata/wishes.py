"""Wishes to run: taken once per key, and admitted one after the other under the lock of their workflow's row."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from flowforge.metadata.database import constraint_of
from flowforge.metadata.execution_list import active_execution
from flowforge.metadata.refusals import Changed, NotThere
from flowforge.metadata.run_state import create_execution
from flowforge.metadata.schema import start_wishes, workflows
from flowforge.metadata.schema.runs import WishStatus
from flowforge.model.start import StartRequest, TriggerType
from flowforge.model.workflow_settings import Concurrency

AHEAD = (WishStatus.WAITING, WishStatus.ADMITTED)
WITHOUT_MEANING = {"trigger", "idempotency_key", "schema_version"}


@dataclass(frozen=True)
class Wish:
    """A wish as it is stored; the execution of that id exists once it is admitted."""

    id: int
    workflow_id: str
    execution_id: str
    status: WishStatus
    request: StartRequest
    reason: str | None
    requested_by: str
    requested_at: datetime

    @property
    def is_to_start(self) -> bool:
        """Whether somebody has to start its execution now; starting it twice starts it once."""
        return self.status is WishStatus.ADMITTED


def take_wish(connection: Connection, request: StartRequest, execution_id: str, *, by: str = "") -> tuple[Wish, bool]:
    """Keep a wish, waiting; a repeated one is the one that was kept. The answer tells whether it is new.

    Raises NotThere where there is no such workflow, and Changed where the key was used for another wish.
    """
    key = hashlib.sha256(request.idempotency_key.encode()).digest()
    statement = (
        insert(start_wishes)
        .values(
            workflow_id=request.workflow_id,
            idempotency_key=request.idempotency_key,
            idempotency_sha256=key,
            execution_id=execution_id,
            request=request.model_dump(mode="json", by_alias=True),
            trigger_type=request.trigger.type,
            requested_by=by,
        )
        # Of any index: the execution's id follows from the key, and either index may see the other's insert first.
        .on_conflict_do_nothing()
        .returning(start_wishes.c.id)
    )
    try:
        with connection.begin_nested():
            is_new = connection.execute(statement).first() is not None
    except DBAPIError as error:
        if constraint_of(error) != "start_wishes_workflow_id_fkey":
            raise
        raise NotThere(f"there is no workflow {request.workflow_id}", option="workflowId") from error
    of_key = (start_wishes.c.workflow_id == request.workflow_id) & (start_wishes.c.idempotency_sha256 == key)
    kept = _wish(connection.execute(select(start_wishes).where(of_key)).mappings().one())
    if _meaning(kept.request) != _meaning(request):
        raise Changed(
            f"the idempotency key {request.idempotency_key!r} was used for another wish: choose a new one",
            option="idempotencyKey",
        )
    return kept, is_new


def admit(connection: Connection, wish_id: int) -> Wish:
    """Decide on a wish: it is admitted, with a pending execution, or waits, or is skipped, as its workflow says.

    A wish that was decided on stays as it is. Older wishes of the workflow that wait go first. Raises NotThere.
    """
    wish = _wish_of(connection, wish_id)
    workflow = _locked(connection, wish.workflow_id)
    wish = _wish_of(connection, wish_id)
    if wish.status is not WishStatus.WAITING:
        return wish
    if workflow.deleted_at is not None:
        return _decide(connection, wish_id, WishStatus.REFUSED, f"the workflow {wish.workflow_id} is deleted")
    if workflow.paused and wish.request.trigger.type is not TriggerType.MANUAL:
        return _decide(connection, wish_id, WishStatus.SKIPPED, f"the workflow {wish.workflow_id} is paused")
    if workflow.concurrency is Concurrency.PARALLEL:
        return _admitted(connection, wish_id)
    active = active_execution(connection, wish.workflow_id)
    if active is not None and workflow.concurrency is Concurrency.SKIP:
        return _decide(connection, wish_id, WishStatus.SKIPPED, f"the execution {active} was active")
    older = select(start_wishes.c.id).where(
        start_wishes.c.workflow_id == wish.workflow_id,
        start_wishes.c.status == WishStatus.WAITING,
        start_wishes.c.id < wish_id,
    )
    if active is not None or connection.execute(older.limit(1)).first() is not None:
        return wish
    return _admitted(connection, wish_id)


def admit_next(connection: Connection, workflow_id: str) -> Wish | None:
    """Admit the oldest wish that waits, where nothing of the workflow is active; None where there is none to admit."""
    oldest = connection.execute(
        select(start_wishes.c.id)
        .where(start_wishes.c.workflow_id == workflow_id, start_wishes.c.status == WishStatus.WAITING)
        .order_by(start_wishes.c.id)
        .limit(1)
    ).scalar()
    if oldest is None:
        return None
    wish = admit(connection, oldest)
    return wish if wish.is_to_start else None


def mark_started(connection: Connection, wish_id: int) -> None:
    """Take note that Step Functions has taken the execution of an admitted wish."""
    admitted = (start_wishes.c.id == wish_id) & (start_wishes.c.status == WishStatus.ADMITTED)
    connection.execute(update(start_wishes).where(admitted).values(status=WishStatus.STARTED))


def refuse(connection: Connection, wish_id: int, reason: str) -> Wish:
    """Take note that a wish cannot be fulfilled; one that waits or was admitted."""
    return _decide(connection, wish_id, WishStatus.REFUSED, reason)


def cancel_wish(connection: Connection, wish_id: int, reason: str) -> Wish:
    """Withdraw a wish that still waits; any other stays as it is."""
    wish = _wish_of(connection, wish_id)
    _locked(connection, wish.workflow_id)
    wish = _wish_of(connection, wish_id)
    return _decide(connection, wish_id, WishStatus.CANCELLED, reason) if wish.status is WishStatus.WAITING else wish


def wish_of_execution(connection: Connection, execution_id: str) -> Wish | None:
    """The wish whose execution has that id; None for an execution that nobody wished for."""
    row = connection.execute(select(start_wishes).where(start_wishes.c.execution_id == execution_id)).mappings().first()
    return None if row is None else _wish(row)


def admitted_and_not_started(connection: Connection, *, before: datetime, limit: int = 1000) -> list[Wish]:
    """Wishes whose start was lost: admitted before then."""
    query = (
        select(start_wishes)
        .where(start_wishes.c.status == WishStatus.ADMITTED, start_wishes.c.decided_at < before)
        .order_by(start_wishes.c.id)
        .limit(limit)
    )
    return [_wish(row) for row in connection.execute(query).mappings()]


def hold_turns(connection: Connection, workflow_id: str) -> None:
    """Let nobody decide on wishes of a workflow until the transaction ends; whoever records the end of an execution does so.

    A wish that is decided on before has seen the execution active, and waits; ``wishes_wait`` then finds it.
    """
    _locked(connection, workflow_id)


def wishes_wait(connection: Connection, workflow_id: str) -> bool:
    """Whether any wish of a workflow waits for its turn."""
    mine = (start_wishes.c.workflow_id == workflow_id) & (start_wishes.c.status == WishStatus.WAITING)
    return connection.execute(select(start_wishes.c.id).where(mine).limit(1)).first() is not None


def workflows_with_waiting_wishes(connection: Connection) -> list[str]:
    """The workflows for which ``admit_next`` may find something."""
    query = select(start_wishes.c.workflow_id).where(start_wishes.c.status == WishStatus.WAITING).distinct()
    return list(connection.execute(query.order_by(start_wishes.c.workflow_id)).scalars())


def _locked(connection: Connection, workflow_id: str) -> Row[Concurrency, bool, datetime | None]:
    """Lock the workflow's row until the transaction ends; the answer is what a wish's turn depends on."""
    columns = (workflows.c.concurrency, workflows.c.paused, workflows.c.deleted_at)
    return connection.execute(select(*columns).where(workflows.c.id == workflow_id).with_for_update(key_share=True)).one()


def _admitted(connection: Connection, wish_id: int) -> Wish:
    wish = _decide(connection, wish_id, WishStatus.ADMITTED, None)
    trigger = wish.request.trigger
    values: dict[str, Any] = {
        "id": wish.execution_id,
        "workflow_id": wish.workflow_id,
        "wish_id": wish.id,
        "trigger_type": trigger.type,
        "trigger_detail": trigger.detail,
        "requested_by": select(start_wishes.c.requested_by).where(start_wishes.c.id == wish_id).scalar_subquery(),
    }
    create_execution(connection, values)
    return wish


def _decide(connection: Connection, wish_id: int, status: WishStatus, reason: str | None) -> Wish:
    decided = {"status": status, "reason": reason, "decided_at": func.now()}
    ahead = (start_wishes.c.id == wish_id) & start_wishes.c.status.in_(AHEAD)
    connection.execute(update(start_wishes).where(ahead).values(decided))
    return _wish_of(connection, wish_id)


def _wish_of(connection: Connection, wish_id: int) -> Wish:
    row = connection.execute(select(start_wishes).where(start_wishes.c.id == wish_id)).mappings().first()
    if row is None:
        raise NotThere(f"there is no wish {wish_id}")
    return _wish(row)


def _wish(row: RowMapping) -> Wish:
    return Wish(
        id=row["id"],
        workflow_id=row["workflow_id"],
        execution_id=row["execution_id"],
        status=row["status"],
        request=StartRequest.model_validate(row["request"]),
        reason=row["reason"],
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
    )


def _meaning(request: StartRequest) -> dict[str, Any]:
    return request.model_dump(mode="json", exclude=WITHOUT_MEANING)
