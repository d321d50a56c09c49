"""The quarantine: what was set aside, why, what people decide on it, and another way through for what they mended."""

from collections.abc import Collection, Mapping
from typing import Annotated

from fastapi import APIRouter, Query, status
from sqlalchemy import Connection

from flowforge.lake import keys
from flowforge.lake.lake import ObjectVersion
from flowforge.metadata.quarantine_list import (
    Holding,
    QuarantineFilter,
    execution_of_run,
    job_of_slugs,
    quarantine_page,
)
from flowforge.metadata.quarantine_reviews import QuarantineObject, review, reviews_of
from flowforge.metadata.refusals import InUse, NotThere
from flowforge.metadata.schema.quality import ReviewStatus
from flowforge.model.errors import ConfigFault
from flowforge.orchestration.replays import replay_reviewed
from flowforge.steps.error_limits import require_run_was_taken
from flowforge.steps.quarantine_reader import QuarantineReader
from flowforge.web.access import Operator, Viewer
from flowforge.web.paging import Paged
from flowforge.web.quarantine_views import (
    Decided,
    Decision,
    FixDecision,
    Key,
    QuarantinedRows,
    QuarantinedRowView,
    QuarantineList,
    QuarantineView,
    Replayed,
    ReplayRequest,
    unknown_columns,
)
from flowforge.web.services import Services, Used

router = APIRouter(prefix="/api/quarantine", tags=["quarantine"])
MALFORMED = "{key} holds records that could not be read: mend them in their file, and deliver that again"


@router.get("")
def list_quarantines(
    services: Used,
    _caller: Viewer,
    page: Paged,
    *,
    workflow_ids: Annotated[list[str] | None, Query(alias="workflowIds")] = None,
    job_ids: Annotated[list[str] | None, Query(alias="jobIds")] = None,
    execution_ids: Annotated[list[str] | None, Query(alias="executionIds")] = None,
    holds: Holding | None = None,
) -> QuarantineList:
    """The objects that runs have set rows aside in, newest first."""
    chosen = QuarantineFilter(workflow_ids or (), job_ids or (), execution_ids or (), holds)
    with services.transaction() as connection:
        found, total, rows = quarantine_page(connection, chosen, limit=page.limit, offset=page.offset)
    return QuarantineList(quarantines=[QuarantineView.of(row) for row in found], total_rows=rows, pagination=page.told(total))


@router.get("/rows")
def list_rows(
    services: Used,
    _caller: Viewer,
    page: Paged,
    key: Annotated[Key, Query(description="The key of the object, as the list tells it.")],
    state: Annotated[ReviewStatus | None, Query(alias="status")] = None,
) -> QuarantinedRows:
    """The rows of an object by their numbers; those in one state where it is stated."""
    seen, _ = seen_object(services, key)
    with services.transaction() as connection:
        reviews = reviews_of(connection, key)
    reader = QuarantineReader(services.lake, key)
    total = reader.total()
    only: list[int] | None = None
    without: Collection[int] = ()
    if state is ReviewStatus.QUARANTINED:
        without = [number for number, row in reviews.items() if row["status"] is not ReviewStatus.QUARANTINED]
        total -= len(without)
    elif state is not None:
        only = [number for number, row in reviews.items() if row["status"] is state]
        total = len(only)
    rows = reader.page(offset=page.offset, limit=page.limit, only=only, without=without)
    return QuarantinedRows(
        key=seen.key,
        columns=reader.columns(),
        rows=[QuarantinedRowView.of(row, reviews.get(row.number)) for row in rows],
        pagination=page.told(total),
    )


@router.post("/approve")
def approve_rows(services: Used, caller: Operator, given: Decision) -> Decided:
    """Let rows go through again as they are, once what they failed by was mended: a rule, a contract, another table."""
    return _decide(services, caller, given.key, given.rows, ReviewStatus.APPROVED, note=given.note)


@router.post("/reject")
def reject_rows(services: Used, caller: Operator, given: Decision) -> Decided:
    """Leave rows where they are for good, until somebody decides anew."""
    return _decide(services, caller, given.key, given.rows, ReviewStatus.REJECTED, note=given.note)


@router.post("/fix")
def fix_rows(services: Used, caller: Operator, given: FixDecision) -> Decided:
    """State the values by which rows are to go through again."""
    fixes = given.by_number()
    columns = QuarantineReader(services.lake, seen_object(services, given.key)[0].key).columns()
    if unknown := unknown_columns(given.fixes, columns):
        raise ConfigFault(
            f"the fix names the column {unknown[0]!r}, which {given.key} does not have; it has {', '.join(columns)}",
            file=given.key,
            column=unknown[0],
            option="fixes",
        )
    return _decide(services, caller, given.key, list(fixes), ReviewStatus.FIXED, fixes=fixes, note=given.note)


@router.post("/replay", status_code=status.HTTP_202_ACCEPTED)
def replay_rows(services: Used, caller: Operator, given: ReplayRequest) -> Replayed:
    """Take approved and fixed rows through Silver and Gold again, without displacing newer ones: all that wait, or some.

    It is an execution of the workflow like any other, and waits its turn as one.
    """
    seen, owned = seen_object(services, given.key)
    if keys.holds_malformed(given.key):
        raise InUse(MALFORMED.format(key=given.key))
    require_run_was_taken(services.lake, given.key)
    wish, rows = replay_reviewed(services.database, services.lake, services.door, caller.actor, owned, seen, only=given.rows)
    return Replayed(execution_id=wish.execution_id, workflow_id=wish.workflow_id, rows=rows, status=wish.status)


def seen_object(services: Services, key: str) -> tuple[ObjectVersion, QuarantineObject]:
    """An object of the quarantine as it is now, and whose it is. Raises NotThere for any other key."""
    place = keys.slugs_of_quarantine(key)
    seen = services.lake.head(key) if place else None
    if place is None or seen is None:
        raise NotThere(f"there is no quarantine under {key}", option="key")
    with services.transaction() as connection:
        return seen, _owned(connection, seen, *place)


def _owned(connection: Connection, seen: ObjectVersion, workflow_slug: str, job_slug: str) -> QuarantineObject:
    job = job_of_slugs(connection, workflow_slug, job_slug)
    if job is None:
        raise NotThere(f"no job is known whose quarantine {seen.key} is", option="key")
    run_id = keys.run_of_quarantine(seen.key, workflow_slug, job_slug)
    execution_id = execution_of_run(connection, job["workflow_id"], job["job_id"], run_id)
    return QuarantineObject(job["workflow_id"], job["job_id"], seen.key, seen.etag, execution_id)


def _decide(
    services: Services,
    caller: Operator,
    key: str,
    rows: Collection[int],
    decision: ReviewStatus,
    *,
    fixes: Mapping[int, dict[str, str | None]] | None = None,
    note: str,
) -> Decided:
    _, owned = seen_object(services, key)
    if keys.holds_malformed(key):
        raise InUse(MALFORMED.format(key=key))
    total = QuarantineReader(services.lake, key).total()
    if beyond := [number for number in rows if number > total]:
        raise ConfigFault(f"{key} has {total} rows, and no row {beyond[0]}", file=key, row=beyond[0], option="rows")
    with services.transaction() as connection:
        review(connection, caller.actor, owned, rows, decision, fixed_values=fixes, note=note)
    return Decided(key=key, rows=len(set(rows)), status=decision)
