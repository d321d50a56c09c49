"""``flowforge workflow run``: a wish to run a workflow, sent under a key, so that it is taken once."""

import secrets
from collections.abc import Sequence
from typing import Any

from flowforge.cli.api.client import part
from flowforge.cli.api.errors import ApiError, Ending
from flowforge.cli.api.session import Session
from flowforge.cli.usage import UsageError
from flowforge.cli.watch import ENDINGS, HOW, follow_execution
from flowforge.cli.workflows import WORKFLOWS, find_workflow

MAX_KEY_CHARACTERS = 255


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
    if key is not None and not (
        key.isascii() and key.isprintable() and key.strip() == key and 1 <= len(key) <= MAX_KEY_CHARACTERS
    ):
        raise UsageError(f"--key: a key has 1 to {MAX_KEY_CHARACTERS} characters of ASCII, without spaces around it")
    body = {"files": _files(files), "reason": reason or ""}
    workflow_id = find_workflow(session, named).document["id"]
    sent = key or secrets.token_hex(16)
    try:
        answer = session.api.post(f"{WORKFLOWS}/{part(workflow_id)}/run", body, key=sent).document
    except ApiError as error:
        if error.ending is not Ending.NO_ANSWER:
            raise
        message = f"{error}; with --key {sent} it can be asked for again, and is started once"
        raise ApiError(message, error.ending, http_status=error.http_status) from error
    execution_id = str(answer["executionId"])
    if wait:
        session.note(f"{execution_id} is {answer['status']}")
        return follow_execution(session, execution_id, timeout_seconds=timeout_seconds)
    if session.as_json:
        session.tell(answer)
    else:
        session.console.file.write(execution_id + "\n")
    return _told(session, answer)


def _told(session: Session, answer: dict[str, Any]) -> int:
    """Say how it stands. A repeated wish may be one of which nothing came; what an execution ended as is not this command's."""
    execution_id, wish = answer["executionId"], answer["wish"]
    if wish["status"] in HOW:
        session.note(f"error: {execution_id} {HOW[wish['status']]} ({wish['reason'] or 'no reason was given'})")
        return ENDINGS[wish["status"]]
    session.note(f"{execution_id} is {answer['status']}; 'flowforge execution watch {execution_id}' follows it")
    return Ending.SUCCESS


def _files(given: Sequence[str]) -> dict[str, list[str]]:
    """``JOB=KEY`` by job, in the order in which they are stated."""
    files: dict[str, list[str]] = {}
    for each in given:
        job_id, equals, key = each.partition("=")
        if not (job_id and equals and key):
            raise UsageError(f"--file: {each!r} is not of the form JOB=KEY")
        files.setdefault(job_id, []).append(key)
    return files
