"""Runs: wishing for one, looking at it, cancelling it, and going on with one that failed."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Body, Header, status
from pydantic import Field

from flowforge.metadata.execution_list import JobsOfExecution, execution_detail
from flowforge.metadata.jobs import jobs_with_id
from flowforge.metadata.refusals import InUse, NotThere
from flowforge.metadata.schema.runs import WishStatus
from flowforge.metadata.wishes import Wish, wish_of_execution
from flowforge.metadata.workflows import find_workflow, workflow
from flowforge.model.base import Document
from flowforge.model.names import Identifier
from flowforge.model.run_status import ExecutionStatus, JobStatus
from flowforge.model.start import StartRequest, Trigger, TriggerType
from flowforge.web.access import Caller, Operator, Viewer
from flowforge.web.execution_views import ExecutionView, view_of_wish
from flowforge.web.services import Services, Used

router = APIRouter(tags=["runs"])
MAX_KEY = 255


class RunWish(Document):
    """What is wished: all jobs, or those of ``jobs``, over what they find, or over ``files``: landing keys of jobs in order."""

    jobs: tuple[Identifier, ...] = ()
    files: dict[Identifier, tuple[str, ...]] = Field(default_factory=dict)
    reason: Annotated[str, Field(max_length=1000)] = ""


class WishView(Document):
    """A wish: whether it waits for its turn, was started, or will not be, and why."""

    id: int
    status: WishStatus
    reason: str | None


class JobToRun(Document):
    """A job that the run takes."""

    job_id: str
    job_name: str
    status: JobStatus = JobStatus.PENDING


class RunAnswer(Document):
    """The run's execution is found under its id from now on; ``status`` is that of the wish until the execution begins."""

    success: bool = True
    execution_id: str
    workflow_id: str
    status: ExecutionStatus | WishStatus
    wish: WishView
    job_results: list[JobToRun]


class CancelWish(Document):
    """Why somebody cancels."""

    reason: Annotated[str, Field(max_length=1000)] = ""


class Asked(Document):
    """It was asked for; the execution's own state tells when it is done."""

    success: bool = True
    execution_id: str


class RedriveAnswer(Asked):
    """``redrive`` counts how often the execution was gone on with."""

    redrive: int


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY,
        description="Of two requests for a workflow with one key, one starts a run, and both are answered with it.",
    ),
]


@router.post("/api/workflows/{workflow_id}/run", status_code=status.HTTP_202_ACCEPTED)
def run(
    services: Used,
    caller: Operator,
    workflow_id: str,
    wished: Annotated[RunWish | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> RunAnswer:
    """Wish for a run of a workflow, and answer at once."""
    return _wished(services, caller, workflow_id, wished or RunWish(), idempotency_key)


@router.post("/api/jobs/{job_id}/execute", status_code=status.HTTP_202_ACCEPTED)
def execute_job(services: Used, caller: Operator, job_id: str, idempotency_key: IdempotencyKey = None) -> RunAnswer:
    """Wish for a run of one job, which only one workflow has. It is an execution like any other."""
    with services.transaction() as connection:
        found = jobs_with_id(connection, job_id)
    if not found:
        raise NotThere(f"there is no job {job_id}", option="jobId")
    if len(found) > 1:
        raise InUse(f"{len(found)} workflows have a job {job_id}: run it below its workflow, by the field jobs")
    return _wished(services, caller, found[0]["workflow_id"], RunWish(jobs=(job_id,)), idempotency_key)


def _wished(services: Services, caller: Caller, workflow_id: str, asked: RunWish, idempotency_key: str | None) -> RunAnswer:
    with services.transaction() as connection:
        definition = workflow(connection, workflow_id).workflow()
    request = StartRequest(
        workflow_id=workflow_id,
        files=asked.files,
        jobs=asked.jobs,
        # Keys of clients and those that follow from events are apart.
        idempotency_key=f"manual:{idempotency_key or uuid.uuid4()}",
        trigger=Trigger(type=TriggerType.MANUAL, detail=asked.reason),
    )
    wish = services.door.request(request, caller.actor)
    jobs = sorted((job for job in definition.jobs if not asked.jobs or job.id in asked.jobs), key=lambda job: job.order)
    return RunAnswer(
        execution_id=wish.execution_id,
        workflow_id=workflow_id,
        status=_status(services, wish),
        wish=_shown(wish),
        job_results=[JobToRun(job_id=job.id, job_name=job.name) for job in jobs],
    )


@router.get("/api/executions/{execution_id}")
def read_execution(services: Used, _caller: Viewer, execution_id: str) -> ExecutionView:
    """One execution with its jobs and their steps; of one that has not begun, its wish."""
    with services.transaction() as connection:
        detail = execution_detail(connection, execution_id)
        if detail is not None:
            return ExecutionView.of(detail.execution, JobsOfExecution(detail.jobs, detail.steps))
        wish = wish_of_execution(connection, execution_id)
        if wish is None:
            raise NotThere(f"there is no execution {execution_id}", option="executionId")
        of_it = find_workflow(connection, wish.workflow_id)
        return view_of_wish(wish, wish.workflow_id if of_it is None else of_it.name)


@router.post("/api/executions/{execution_id}/cancel", status_code=status.HTTP_202_ACCEPTED)
def cancel(services: Used, caller: Operator, execution_id: str, wished: Annotated[CancelWish | None, Body()] = None) -> Asked:
    """Stop an execution, or withdraw it while it waits for its turn. What is cancelled has not failed."""
    services.door.cancel(execution_id, caller.actor, (wished or CancelWish()).reason)
    return Asked(execution_id=execution_id)


@router.post("/api/executions/{execution_id}/redrive", status_code=status.HTTP_202_ACCEPTED)
def redrive(services: Used, caller: Operator, execution_id: str) -> RedriveAnswer:
    """Go on with an execution that failed or was cancelled: on its plan, from the steps that had not finished."""
    return RedriveAnswer(execution_id=execution_id, redrive=services.door.redrive(execution_id, caller.actor))


def _status(services: Used, wish: Wish) -> ExecutionStatus | WishStatus:
    """Of a repeated wish, how its execution stands."""
    with services.transaction() as connection:
        detail = execution_detail(connection, wish.execution_id)
    return wish.status if detail is None else ExecutionStatus(detail.execution["status"])


def _shown(wish: Wish) -> WishView:
    return WishView(id=wish.id, status=wish.status, reason=wish.reason)
