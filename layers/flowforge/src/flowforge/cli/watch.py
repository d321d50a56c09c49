"""Following an execution over the API until it ends, through answers that are lost on the way."""

import time
from collections.abc import Callable, Collection
from typing import Any

from flowforge.cli.api.client import part
from flowforge.cli.api.errors import ApiError, Ending
from flowforge.cli.api.session import Session
from flowforge.cli.endings import Interrupted
from flowforge.cli.execution_progress import progress_of_execution, steps_of_job
from flowforge.cli.progress_view import progress_view
from flowforge.model.step import Step

EXECUTIONS = "/api/executions"
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 60.0
"""How long an API that does not answer is asked again."""
ENDINGS = {
    "succeeded": Ending.SUCCESS,
    "failed": Ending.FAILURE,
    "cancelled": Ending.CANCELLED,
    "skipped": Ending.CONFLICT,
    "refused": Ending.CONFLICT,
}
"""What an execution ends as; ``skipped`` and ``refused`` are wishes of which no execution comes."""
HOW = {
    "failed": "has failed",
    "cancelled": "was cancelled",
    "skipped": "was not started: the wish was skipped",
    "refused": "was not started: the wish was refused",
}
Clock = Callable[[], float]
Pause = Callable[[float], None]


def watch_execution(session: Session, execution_id: str, *, timeout_seconds: float | None) -> int:
    """Follow one that is there. Raises ApiError where it is not, or the API does not answer."""
    session.api.get(f"{EXECUTIONS}/{part(execution_id)}")
    return follow_execution(session, execution_id, timeout_seconds=timeout_seconds)


def follow_execution(
    session: Session,
    execution_id: str,
    *,
    timeout_seconds: float | None,
    clock: Clock = time.monotonic,
    pause: Pause = time.sleep,
) -> int:
    """Show the progress until the execution has ended, then what it did; the answer is how it ended.

    Raises ApiError where it is not there, or the API does not answer for a minute.
    """
    jobs: dict[str, str] = {}
    taken: dict[str, Collection[Step]] = {}
    began = answered = clock()
    screen = session.errors if session.as_json else session.console
    try:
        with progress_view(screen, jobs, taken) as show:
            while True:
                try:
                    execution = session.api.get(f"{EXECUTIONS}/{part(execution_id)}").document
                except ApiError as error:
                    if error.ending is not Ending.NO_ANSWER or clock() - answered > PATIENCE_SECONDS:
                        raise
                else:
                    answered = clock()
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
    return _ended(session, execution)


def _ended(session: Session, execution: dict[str, Any]) -> int:
    from flowforge.cli.executions import print_execution, reason_of

    if session.as_json:
        session.tell(execution)
    else:
        print_execution(session, execution)
    status = execution["status"]
    if status in HOW:
        reason = reason_of(execution)
        session.note(f"error: {execution['id']} {HOW[status]}{f' ({reason})' if reason else ''}")
    return ENDINGS[status]


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
