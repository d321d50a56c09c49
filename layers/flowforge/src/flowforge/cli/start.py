"""``flowforge workflow run``: a wish to run a workflow, sent under a key, so that it is taken once."""

import secrets
from collections.abc import Sequence
from typing import Any

from flowforge.cli.api.client import part
from flowforge.cli.api.errors import ApiError, Ending
from flowforge.cli.api.session import Session
from flowforge.cli.usage import UsageError
from flowforge.cli.watch import follow_execution
from flowforge.cli.workflows import WORKFLOWS, find_workflow

NEVER = ("skipped", "refused", "cancelled")
"""What became of a wish that no execution comes of."""


def start_workflow(
    session: Session,
    named: str,
    *,
    key: str | None,
    files: Sequence[str],
    reason: str | None,
    wait: bool,
    timeout_seconds: float | None,
) -> int:
    """Send the wish, print the execution's id, and follow it where that is asked for."""
    body: dict[str, Any] = {"files": _files(files)} if files else {}
    if reason is not None:
        body["reason"] = reason
    workflow_id = find_workflow(session, named).document["id"]
    sent = key or secrets.token_hex(16)

    def wish() -> dict[str, Any]:
        """What became of the wish: a repeated one starts nothing more."""
        document: dict[str, Any] = session.api.post(f"{WORKFLOWS}/{part(workflow_id)}/run", body, key=sent).document
        return document

    try:
        answer = wish()
    except ApiError as error:
        if error.ending is not Ending.NO_ANSWER:
            raise
        message = f"{error}; with '--key {sent}' it can be sent again, and is started once"
        raise ApiError(message, error.ending, http_status=error.http_status) from error
    execution_id = str(answer["executionId"])
    never = _never(session, answer)
    if session.as_json and (never is not None or not wait):
        session.tell(answer)
    if never is not None:
        return never
    if not wait:
        if not session.as_json:
            session.console.file.write(execution_id + "\n")
            session.note(f"{execution_id} is {answer['status']}; 'flowforge execution watch {execution_id}' follows it")
        return Ending.SUCCESS
    session.note(f"{execution_id} is {answer['status']}")
    return follow_execution(
        session, execution_id, timeout_seconds=timeout_seconds, while_not_there=lambda: _never(session, wish())
    )


def _never(session: Session, answer: dict[str, Any]) -> int | None:
    """The status to end with where there will be no execution; None where there is or may be one."""
    wish = answer["wish"]
    if wish["status"] not in NEVER:
        return None
    session.note(f"error: nothing is started, the wish was {wish['status']}: {wish['reason'] or 'no reason was given'}")
    return Ending.CANCELLED if wish["status"] == "cancelled" else Ending.CONFLICT


def _files(given: Sequence[str]) -> dict[str, list[str]]:
    """``JOB=KEY`` by job, in the order in which they are stated."""
    files: dict[str, list[str]] = {}
    for each in given:
        job_id, equals, key = each.partition("=")
        if not (job_id and equals and key):
            raise UsageError(f"--file: {each!r} is not of the form JOB=KEY")
        files.setdefault(job_id, []).append(key)
    return files
