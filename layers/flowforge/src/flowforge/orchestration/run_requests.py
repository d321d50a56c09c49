"""Wishing for a run, as the API, the command line and whatever else has the database at hand do it."""

import hashlib
import logging

from sqlalchemy import Connection

from flowforge.metadata.database import Database
from flowforge.metadata.wishes import AHEAD, Wish, take_wish
from flowforge.metadata.workflows import workflow
from flowforge.model.errors import RetryLater
from flowforge.model.start import StartRequest
from flowforge.orchestration.start_queue import StartQueue

ID_HEX_DIGITS = 32
"""128 bits: nobody finds two wishes with the same id."""
logger = logging.getLogger(__name__)


def execution_id(wish: StartRequest) -> str:
    """The id, and name, of the execution that a wish starts: the same for the same wish."""
    digest = hashlib.sha256(f"{wish.workflow_id}\n{wish.idempotency_key}".encode()).hexdigest()
    return f"exec_{digest[:ID_HEX_DIGITS]}"


def request_run(database: Database, queue: StartQueue, request: StartRequest, *, by: str = "") -> Wish:
    """Keep a wish, and tell the queue of it; a repeated one is the one that was kept, and is told of again.

    Raises NotThere for a workflow that is not there, ConfigFault for one that cannot run or has no such job, and Changed where
    the idempotency key was used for another wish.
    """
    with database.transaction() as connection:
        require_runnable(connection, request)
        wish, _ = take_wish(connection, request, execution_id(request), by=by)
    if wish.status in AHEAD:
        try:
            queue.send(request)
        except RetryLater as error:
            # The wish is kept, so it is started all the same: whoever compares what is wished with what runs finds it.
            logger.warning("the wish %s for %s waits for the next reconciliation: %s", wish.id, request.workflow_id, error)
    return wish


def require_runnable(connection: Connection, request: StartRequest) -> None:
    """Raise NotThere or ConfigFault for a wish that no execution can fulfil: its plan would find the same fault."""
    definition = workflow(connection, request.workflow_id).workflow()
    for job_id in (*request.files, *request.jobs, *([request.rebuild] if request.rebuild else ())):
        definition.job(job_id)
