"""A workflow by its definition: read it, compare another one with it, and put that in its place."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response, status
from pydantic import JsonValue
from sqlalchemy import Connection

from flowforge.metadata.definitions import change_to_defined, defined_workflow, definition_of, make_defined
from flowforge.metadata.identifiers import new_id
from flowforge.metadata.refusals import Changed
from flowforge.metadata.stored_workflow import StoredWorkflow
from flowforge.metadata.workflows import find_workflow, workflow
from flowforge.model.base import Document
from flowforge.model.workflow_definition import WorkflowDefinition
from flowforge.web.access import Caller, Operator, Viewer
from flowforge.web.services import Services, Used
from flowforge.web.versions import tell, version_or_absence
from flowforge.web.workflow_views import WorkflowView

router = APIRouter(prefix="/api/workflows", tags=["definitions"])


class JobsThatDiffer(Document):
    """The ids of jobs that are new, that change, and that go."""

    added: list[str]
    changed: list[str]
    removed: list[str]

    @classmethod
    def between(cls, before: StoredWorkflow | None, after: StoredWorkflow) -> "JobsThatDiffer":
        """Compare two states of a workflow."""
        old = {job.id: job for job in before.jobs} if before else {}
        new = {job.id: job for job in after.jobs}
        return cls(
            added=[job_id for job_id in new if job_id not in old],
            changed=[job_id for job_id in new if job_id in old and new[job_id] != old[job_id]],
            removed=[job_id for job_id in old if job_id not in new],
        )


class Comparison(Document):
    """What a definition would change: a workflow's state before (null where there is none), at ``version``, and after it.

    ``after`` has the ids of new jobs, and is what to put where just that should become so.
    """

    workflow_id: str
    version: int | None
    before: dict[str, JsonValue] | None
    after: dict[str, JsonValue]
    jobs: JobsThatDiffer


@router.get("/{workflow_id}/definition")
def read_definition(services: Used, _caller: Viewer, workflow_id: str, response: Response) -> dict[str, JsonValue]:
    """The definition as a file of a workflow has it, without what is at its default."""
    with services.transaction() as connection:
        stored = workflow(connection, workflow_id)
    tell(response, stored.version)
    return definition_of(stored)


@router.post("/compare")
def compare(services: Used, caller: Viewer, given: WorkflowDefinition) -> Comparison:
    """What putting a definition would change, and whether it would be refused. Nothing is changed.

    The workflow is the one of its id, or else of its slug.
    """
    with services.transaction() as connection:
        before = defined_workflow(connection, given)
        workflow_id = before.id if before else given.id or new_id("wf")
        # All that the database holds is held here too, and taken back.
        trial = connection.begin_nested()
        try:
            after = _put(services, connection, caller, workflow_id, given, before.version if before else None)
        finally:
            trial.rollback()
    return Comparison(
        workflow_id=workflow_id,
        version=before.version if before else None,
        before=definition_of(before) if before else None,
        after=definition_of(after),
        jobs=JobsThatDiffer.between(before, after),
    )


@router.put("/{workflow_id}", responses={status.HTTP_201_CREATED: {"model": WorkflowView, "description": "It was made."}})
def put_definition(
    services: Used,
    caller: Operator,
    workflow_id: str,
    given: WorkflowDefinition,
    version: Annotated[int | None, Depends(version_or_absence)],
    response: Response,
) -> WorkflowView:
    """Make a workflow and its jobs what the definition says, in one step; with If-None-Match: * make it.

    Jobs without an id are found by their slugs. Jobs that the definition leaves out are deleted; their data stay. Where nothing
    differs nothing is written.
    """
    with services.transaction() as connection:
        stored = _put(services, connection, caller, workflow_id, given, version)
    if version is None:
        response.status_code = status.HTTP_201_CREATED
        response.headers["Location"] = f"/api/workflows/{stored.id}"
    tell(response, stored.version)
    return WorkflowView.of(stored)


def _put(
    services: Services,
    connection: Connection,
    caller: Caller,
    workflow_id: str,
    given: WorkflowDefinition,
    version: int | None,
) -> StoredWorkflow:
    if version is not None:
        return change_to_defined(connection, caller.actor, workflow_id, given, version=version)
    if find_workflow(connection, workflow_id) is not None:
        raise Changed(f"there is a workflow {workflow_id} already: read it, and change that")
    return make_defined(connection, caller.actor, services.environment, workflow_id, given)
