"""Executions: those of a workflow, all of them by what one looks for, and one in full. Reading writes nothing."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from flowforge.metadata.execution_list import (
    ExecutionFilter,
    ExecutionPage,
    JobsOfExecution,
    execution_detail,
    execution_page,
    jobs_of_executions,
    workflows_with_executions,
)
from flowforge.metadata.refusals import NotThere
from flowforge.metadata.workflows import workflow
from flowforge.model.base import Document
from flowforge.model.run_status import ExecutionStatus
from flowforge.web.access import Viewer
from flowforge.web.execution_views import ExecutionView
from flowforge.web.paging import Paged
from flowforge.web.services import Used

router = APIRouter(tags=["executions"])
NEWEST = 50
"""As many as the list of a workflow has always shown."""


class TimeRange(StrEnum):
    """How far back to look."""

    HOUR = "1h"
    SIX_HOURS = "6h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


SPANS = {
    TimeRange.HOUR: timedelta(hours=1),
    TimeRange.SIX_HOURS: timedelta(hours=6),
    TimeRange.DAY: timedelta(days=1),
    TimeRange.WEEK: timedelta(days=7),
    TimeRange.MONTH: timedelta(days=30),
}


class ExecutionsOfWorkflow(Document):
    """The newest executions of a workflow, newest first."""

    executions: list[ExecutionView]


class WorkflowChoice(Document):
    """A workflow that the list can be filtered by."""

    id: str
    name: str


class Filters(Document):
    """What was asked for."""

    status: list[ExecutionStatus]
    workflow_ids: list[str]
    time_range: TimeRange | None
    search: str


class ExecutionList(Document):
    """A page of executions, newest first; ``stats`` counts those of all pages by status, ``workflows`` are all that ran."""

    executions: list[ExecutionView]
    stats: dict[ExecutionStatus, int]
    workflows: list[WorkflowChoice]
    filters: Filters
    pagination: dict[str, int]


@router.get("/api/workflows/{workflow_id}/executions")
def list_of_workflow(services: Used, _caller: Viewer, workflow_id: str) -> ExecutionsOfWorkflow:
    """The newest executions of a workflow."""
    with services.transaction() as connection:
        workflow(connection, workflow_id)
        page = execution_page(connection, ExecutionFilter(workflow_ids=[workflow_id]), limit=NEWEST)
        return ExecutionsOfWorkflow(executions=_shown(connection, page))


@router.get("/api/orchestration/monitor")
def list_all(
    services: Used,
    _caller: Viewer,
    page: Paged,
    *,
    status: Annotated[list[ExecutionStatus] | None, Query()] = None,
    workflow_ids: Annotated[list[str] | None, Query(alias="workflowIds")] = None,
    time_range: Annotated[TimeRange | None, Query(alias="timeRange")] = None,
    search: Annotated[str, Query(max_length=200)] = "",
) -> ExecutionList:
    """The executions of all workflows by what one looks for."""
    since = datetime.now(UTC) - SPANS[time_range] if time_range else None
    chosen = ExecutionFilter(workflow_ids or (), status or (), since, search)
    with services.transaction() as connection:
        found = execution_page(connection, chosen, limit=page.limit, offset=page.offset)
        shown = _shown(connection, found)
        ran = workflows_with_executions(connection)
    stats = {each: found.by_status.get(each, 0) for each in ExecutionStatus}
    return ExecutionList(
        executions=shown,
        stats=stats,
        workflows=[WorkflowChoice(id=row["id"], name=row["name"]) for row in ran],
        filters=Filters(status=status or [], workflow_ids=workflow_ids or [], time_range=time_range, search=search),
        pagination=page.told(found.total),
    )


@router.get("/api/orchestration/monitor/{execution_id}")
def read_one(services: Used, _caller: Viewer, execution_id: str) -> ExecutionView:
    """One execution with its jobs and their steps."""
    with services.transaction() as connection:
        detail = execution_detail(connection, execution_id)
    if detail is None:
        raise NotThere(f"there is no execution {execution_id}", option="executionId")
    return ExecutionView.of(detail.execution, JobsOfExecution(detail.jobs, detail.steps))


def _shown(connection: Connection, page: ExecutionPage) -> list[ExecutionView]:
    ids = [row["id"] for row in page.rows]
    of_them = jobs_of_executions(connection, ids) if ids else {}
    return [ExecutionView.of(row, of_them.get(row["id"], JobsOfExecution())) for row in page.rows]
