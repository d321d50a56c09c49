"""What the functions logged of an execution."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from flowforge.metadata.execution_list import times_of_execution
from flowforge.metadata.refusals import InUse, NotThere
from flowforge.model.base import Document
from flowforge.web.access import Viewer
from flowforge.web.services import Used

router = APIRouter(tags=["executions"])


class LogLineView(Document):
    """A line of a function; ``level``, ``jobId`` and ``step`` where it says them."""

    timestamp: datetime
    function: str
    level: str | None
    message: str
    job_id: str | None
    step: str | None


class ExecutionLogView(Document):
    """Lines in the order of time. ``next`` begins the next page; of an execution that runs it is there at the end too.

    ``isComplete`` is false where the search took too long for one request: go on with ``next``.
    """

    execution_id: str
    lines: list[LogLineView]
    next: str | None
    is_complete: bool


@router.get("/api/executions/{execution_id}/logs")
def read_logs(
    services: Used,
    _caller: Viewer,
    execution_id: str,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    following: Annotated[str | None, Query(alias="next", max_length=200)] = None,
) -> ExecutionLogView:
    """The lines of all functions that name the execution, the oldest first."""
    with services.transaction() as connection:
        times = times_of_execution(connection, execution_id)
    if times is None:
        raise NotThere(f"there is no execution {execution_id}", option="executionId")
    if services.logs is None:
        raise InUse("this server has no way to the functions' logs")
    page = services.logs.page(execution_id, *times, limit=limit, following=following)
    lines = [
        LogLineView(
            timestamp=line.at,
            function=line.function,
            level=line.level,
            message=line.message,
            job_id=line.job_id,
            step=line.step,
        )
        for line in page.lines
    ]
    return ExecutionLogView(execution_id=execution_id, lines=lines, next=page.following, is_complete=page.complete)
