"""Workflows: list, make, read, change, delete, purge, copy."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response, status

from flowforge.metadata.execution_list import last_executions
from flowforge.metadata.identifiers import new_id
from flowforge.metadata.purge import data_of_deleted
from flowforge.metadata.stored_workflow import read_job
from flowforge.metadata.workflow_list import WorkflowFilter, workflow_choices, workflow_page
from flowforge.metadata.workflows import create_workflow, delete_workflow, purge_workflow, update_workflow, workflow
from flowforge.model.base import Document
from flowforge.model.workflow_settings import DataClassification, Priority, WorkflowSettings
from flowforge.web.access import Admin, Operator, Viewer
from flowforge.web.data_removal import remove_data
from flowforge.web.paging import Paged
from flowforge.web.services import Used
from flowforge.web.versions import tell, version_of
from flowforge.web.workflow_changes import NewWorkflow, WorkflowChange
from flowforge.web.workflow_views import WorkflowView, status_of, type_of

router = APIRouter(prefix="/api/workflows", tags=["workflows"])
WorkflowId = Annotated[str, "The workflow's id"]


class WorkflowList(Document):
    """A page of workflows, newest first."""

    workflows: list[WorkflowView]
    pagination: dict[str, int]


class UpstreamChoice(Document):
    """A workflow whose end another one may wait for."""

    id: str
    name: str
    description: str
    type: str
    status: str


class UpstreamChoices(Document):
    """The choices, by name."""

    workflows: list[UpstreamChoice]


class Success(Document):
    """What was asked for is done."""

    success: bool = True


class Purge(Success):
    """How far the removal of a workflow's data came: the objects that this request removed, and whether none is left."""

    done: bool
    removed_objects: int


@router.get("")
def list_workflows(
    services: Used,
    _caller: Viewer,
    page: Paged,
    *,
    include_last_execution: Annotated[bool, Query(alias="includeLastExecution")] = False,
    search: Annotated[str, Query(max_length=200)] = "",
    priority: Annotated[list[Priority] | None, Query()] = None,
    classification: Annotated[list[DataClassification] | None, Query(alias="dataClassification")] = None,
    paused: bool | None = None,
    tag: Annotated[list[str] | None, Query()] = None,
    slug: Annotated[str, Query(max_length=100)] = "",
) -> WorkflowList:
    """The workflows, newest first."""
    chosen = WorkflowFilter(search, priority or (), classification or (), paused, tag or (), slug)
    with services.transaction() as connection:
        found, total = workflow_page(connection, chosen, limit=page.limit, offset=page.offset)
        ids = [stored.id for stored in found]
        last = last_executions(connection, ids) if include_last_execution and ids else {}
    shown = [WorkflowView.of(stored, next(iter(last.get(stored.id, ())), None)) for stored in found]
    return WorkflowList(workflows=shown, pagination=page.told(total))


@router.post("", status_code=status.HTTP_201_CREATED)
def make_workflow(services: Used, caller: Operator, given: NewWorkflow, response: Response) -> WorkflowView:
    """Make a workflow, with or without jobs."""
    given.require_environment(services.environment)
    settings = given.settings(WorkflowSettings(owner=given.team or ""))
    jobs = [
        read_job({"id": new_id("job"), "order": number, **job}, origin=f"jobs[{number - 1}]")
        for number, job in enumerate(given.jobs, start=1)
    ]
    with services.transaction() as connection:
        made = create_workflow(
            connection,
            caller.actor,
            services.environment,
            given.name,
            settings=settings,
            description=given.description or "",
            slug=given.slug,
            workflow_id=given.id,
            triggers=given.triggers or (),
            jobs_of_it=jobs,
        )
    tell(response, made.version)
    response.headers["Location"] = f"/api/workflows/{made.id}"
    return WorkflowView.of(made)


@router.get("/available-upstream")
def list_upstream_choices(
    services: Used, _caller: Viewer, exclude: Annotated[str | None, Query(alias="excludeWorkflowId")] = None
) -> UpstreamChoices:
    """What another workflow may wait for, by name."""
    with services.transaction() as connection:
        found = workflow_choices(connection, without=exclude)
    choices = [
        UpstreamChoice(
            id=row["id"],
            name=row["name"],
            description=row["description"],
            type=type_of(row["triggers"]),
            status=status_of(row["triggers"], paused=row["paused"]),
        )
        for row in found
    ]
    return UpstreamChoices(workflows=choices)


@router.get("/{workflow_id}")
def read_one(services: Used, _caller: Viewer, workflow_id: str, response: Response) -> WorkflowView:
    """A workflow with its jobs, and its ETag for a change."""
    with services.transaction() as connection:
        stored = workflow(connection, workflow_id)
        last = last_executions(connection, [workflow_id]).get(workflow_id, [])
    tell(response, stored.version)
    return WorkflowView.of(stored, next(iter(last), None))


@router.patch("/{workflow_id}")
def change_workflow(
    services: Used,
    caller: Operator,
    workflow_id: str,
    given: WorkflowChange,
    version: Annotated[int, Depends(version_of)],
    response: Response,
) -> WorkflowView:
    """Change what is sent and leave the rest."""
    with services.transaction() as connection:
        before = workflow(connection, workflow_id)
        changed = update_workflow(
            connection,
            caller.actor,
            workflow_id,
            version=version,
            name=given.name,
            description=given.description,
            settings=given.settings(before.settings),
            triggers=given.triggers,
        )
    tell(response, changed.version)
    return WorkflowView.of(changed)


@router.delete("/{workflow_id}")
def remove_workflow(
    services: Used,
    caller: Operator,
    workflow_id: str,
    if_match: Annotated[str | None, Header(description="The ETag of the version that you have seen.")] = None,
) -> Success:
    """Delete a workflow whose executions have ended. Its data, its history and its names stay until the purge."""
    with services.transaction() as connection:
        delete_workflow(connection, caller.actor, workflow_id, version=version_of(if_match) if if_match else None)
    return Success()


@router.post("/{workflow_id}/purge")
def forget_workflow(services: Used, caller: Admin, workflow_id: str, response: Response) -> Purge:
    """Remove the data of a deleted workflow, then forget it with its history and let its names go.

    202 and ``done: false`` where more is left than one request removes: ask again.
    """
    with services.transaction() as connection:
        owned = data_of_deleted(connection, workflow_id)
    removed, done = remove_data(services.lake, owned)
    if done:
        with services.transaction() as connection:
            purge_workflow(connection, caller.actor, workflow_id)
    else:
        response.status_code = status.HTTP_202_ACCEPTED
    return Purge(done=done, removed_objects=removed)
