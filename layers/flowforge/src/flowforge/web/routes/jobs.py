"""The jobs of a workflow. Each change of a job is a change of its workflow, whose ETag it needs."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response, status
from sqlalchemy import Connection

from flowforge.metadata.identifiers import new_id
from flowforge.metadata.jobs import copied, jobs_with_id
from flowforge.metadata.refusals import InUse, NotThere
from flowforge.metadata.stored_workflow import StoredWorkflow, read_job
from flowforge.metadata.workflows import locked_workflow, update_workflow, workflow
from flowforge.model.base import Document
from flowforge.model.job import Job
from flowforge.web.access import Caller, Operator, Viewer
from flowforge.web.services import Services, Used
from flowforge.web.versions import tell, version_of
from flowforge.web.workflow_changes import JobChange, NewJob
from flowforge.web.workflow_views import JobView

router = APIRouter(tags=["jobs"])
PATH = "/api/workflows/{workflow_id}/jobs"
Version = Annotated[int, Depends(version_of)]


class Deleted(Document):
    """The job that was deleted."""

    success: bool = True
    job_id: str
    workflow_id: str


@router.get(PATH)
def list_jobs(services: Used, _caller: Viewer, workflow_id: str, response: Response) -> list[JobView]:
    """The jobs in their order."""
    with services.transaction() as connection:
        stored = workflow(connection, workflow_id)
    tell(response, stored.version)
    return [JobView.of(workflow_id, job) for job in stored.jobs]


@router.post(PATH, status_code=status.HTTP_201_CREATED)
def add_job(services: Used, caller: Operator, workflow_id: str, given: NewJob, version: Version, response: Response) -> JobView:
    """Add a job; without an order it runs after all others."""
    job_id = given.id or new_id("job")

    def added(before: StoredWorkflow) -> list[Job]:
        document = {"order": max((job.order for job in before.jobs), default=0) + 1, **given.document(), "id": job_id}
        if any(job.id == job_id for job in before.jobs):
            raise InUse(f"the workflow has a job {job_id} already")
        return [*before.jobs, read_job(document, origin="the job")]

    return _changed(services, caller, workflow_id, version, added, job_id, response)


@router.get(PATH + "/{job_id}")
def read_one(services: Used, _caller: Viewer, workflow_id: str, job_id: str, response: Response) -> JobView:
    """A job, and the ETag of its workflow."""
    with services.transaction() as connection:
        stored = workflow(connection, workflow_id)
    tell(response, stored.version)
    return JobView.of(workflow_id, _job(stored, job_id))


@router.patch(PATH + "/{job_id}")
def change_job(
    services: Used, caller: Operator, workflow_id: str, job_id: str, given: JobChange, version: Version, response: Response
) -> JobView:
    """Change the fields that are sent."""

    def changed(before: StoredWorkflow) -> list[Job]:
        old: dict[str, Any] = _job(before, job_id).model_dump(mode="json", by_alias=True, exclude_none=True)
        new = read_job({**old, **given.document()}, origin="the job")
        return [new if job.id == job_id else job for job in before.jobs]

    return _changed(services, caller, workflow_id, version, changed, job_id, response)


@router.delete(PATH + "/{job_id}")
def remove_job(services: Used, caller: Operator, workflow_id: str, job_id: str, version: Version) -> Deleted:
    """Delete a job. Its data stay, and its slug is kept for them."""
    with services.transaction() as connection:
        _remove(connection, caller, workflow_id, job_id, version)
    return Deleted(job_id=job_id, workflow_id=workflow_id)


@router.delete("/api/jobs/{job_id}")
def remove_job_by_id(services: Used, caller: Operator, job_id: str) -> Deleted:
    """Delete a job that only one workflow has."""
    with services.transaction() as connection:
        found = jobs_with_id(connection, job_id)
        if not found:
            raise NotThere(f"there is no job {job_id}", option="jobId")
        if len(found) > 1:
            raise InUse(f"{len(found)} workflows have a job {job_id}: delete it below its workflow")
        workflow_id = found[0]["workflow_id"]
        _remove(connection, caller, workflow_id, job_id, locked_workflow(connection, workflow_id).version)
    return Deleted(job_id=job_id, workflow_id=workflow_id)


@router.post(PATH + "/{job_id}/clone", status_code=status.HTTP_201_CREATED)
def clone_job(services: Used, caller: Operator, workflow_id: str, job_id: str, response: Response) -> JobView:
    """Copy a job, to run after all others, as ``X_copy``, ``X_copy2`` and so on."""
    new, version = new_id("job"), None

    def cloned(before: StoredWorkflow) -> list[Job]:
        return [*before.jobs, copied(_job(before, job_id), new, before.jobs)]

    return _changed(services, caller, workflow_id, version, cloned, new, response)


def _changed(
    services: Services,
    caller: Caller,
    workflow_id: str,
    version: int | None,
    change: Callable[[StoredWorkflow], Sequence[Job]],
    job_id: str,
    response: Response,
) -> JobView:
    """Give a workflow other jobs, and show one of them."""
    with services.transaction() as connection:
        before = locked_workflow(connection, workflow_id, version=version)
        after = update_workflow(connection, caller.actor, workflow_id, version=before.version, jobs_of_it=change(before))
    tell(response, after.version)
    return JobView.of(workflow_id, _job(after, job_id))


def _remove(connection: Connection, caller: Caller, workflow_id: str, job_id: str, version: int) -> None:
    before = locked_workflow(connection, workflow_id, version=version)
    _job(before, job_id)
    left = [job for job in before.jobs if job.id != job_id]
    update_workflow(connection, caller.actor, workflow_id, version=version, jobs_of_it=left)


def _job(stored: StoredWorkflow, job_id: str) -> Job:
    for job in stored.jobs:
        if job.id == job_id:
            return job
    raise NotThere(f"the workflow {stored.id} has no job {job_id}", option="jobId")
