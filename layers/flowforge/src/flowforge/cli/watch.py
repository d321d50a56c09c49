"""Following an execution over the API until it ends, through answers that are lost on the way."""

import time
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any

from flowforge.cli.api.client import part
from flowforge.cli.api.errors import ApiError, Ending
from flowforge.cli.api.session import Session
from flowforge.cli.endings import Interrupted
from flowforge.cli.execution_progress import progress_of_execution, steps_of_job
from flowforge.cli.progress_view import progress_view
from flowforge.model.step import Step

EXECUTIONS = "/api/orchestration/monitor"
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
"""How long an API that does not answer is asked again."""
TURN_SECONDS = 10.0
"""How often a wish that waits for its turn is asked for: each time the queue is told of it again."""
ENDINGS = {"succeeded": Ending.SUCCESS, "failed": Ending.FAILURE, "cancelled": Ending.CANCELLED}
Clock = Callable[[], float]
Pause = Callable[[float], None]


def watch_execution(session: Session, execution_id: str, *, timeout_seconds: float | None) -> int:
    """Follow one that is there. Raises ApiError where it is not."""
    session.api.get(f"{EXECUTIONS}/{part(execution_id)}")
    return follow_execution(session, execution_id, timeout_seconds=timeout_seconds)


def follow_execution(
    session: Session,
    execution_id: str,
    *,
    timeout_seconds: float | None,
    while_not_there: Callable[[], int | None] = lambda: None,
    clock: Clock = time.monotonic,
    pause: Pause = time.sleep,
) -> int:
    """Show the progress until the execution has ended, then what it did; the answer is how it ended.

    ``while_not_there`` is asked now and then as long as there is no such execution, and answers with a status where there never
    will be one.
    """
    from flowforge.cli.executions import print_execution

    jobs: dict[str, str] = {}
    taken: dict[str, Collection[Step]] = {}
    began = answered = asked = clock()
    screen = session.errors if session.as_json else session.console
    try:
        with progress_view(screen, jobs, taken) as show:
            while True:
                execution = None
                try:
                    execution = session.api.get(f"{EXECUTIONS}/{part(execution_id)}").document
                    answered = clock()
                except ApiError as error:
                    if error.http_status == HTTPStatus.NOT_FOUND:
                        answered = clock()
                        if answered - asked >= TURN_SECONDS:
                            asked = answered
                            ended = while_not_there()
                            if ended is not None:
                                return ended
                    elif error.ending is not Ending.NO_ANSWER or clock() - answered > PATIENCE_SECONDS:
                        raise
                if execution is not None:
                    _learn(session, execution, jobs, taken)
                    show(progress_of_execution(execution, taken))
                    if execution["status"] in ENDINGS:
                        break
                if timeout_seconds is not None and clock() - began >= timeout_seconds:
                    session.note(f"error: {execution_id} has not ended within {timeout_seconds:g} seconds, and goes on")
                    return Ending.STILL_RUNNING
                pause(POLL_SECONDS)
    except Interrupted:
        session.note(f"{execution_id} goes on; 'flowforge execution cancel {execution_id}' stops it")
        raise
    if session.as_json:
        session.tell(execution)
    else:
        print_execution(session, execution)
    if execution["status"] != "succeeded":
        session.note(f"error: {execution_id} {'has failed' if execution['status'] == 'failed' else 'was cancelled'}")
    return ENDINGS[execution["status"]]


def _learn(session: Session, execution: dict[str, Any], jobs: dict[str, str], taken: dict[str, Collection[Step]]) -> None:
    """Take down which jobs there are, once they are planned, and which steps they take as their workflow is now."""
    planned = {job["jobId"]: job["jobName"] for job in execution["jobExecutions"]}
    if not planned or jobs:
        return
    try:
        workflow = session.api.get(f"/api/workflows/{part(execution['workflowId'])}").document
    except ApiError:
        # It may be deleted by now; then all columns are shown.
        workflow = {"jobs": []}
    taken.update({job["id"]: steps_of_job(job) for job in workflow["jobs"]})
    jobs.update(planned)
