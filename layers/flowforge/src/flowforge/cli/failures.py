"""Why an execution failed, in one line per failed job, without a traceback."""

import json
from collections.abc import Iterable, Mapping

from flowforge.cli.progress import Failure
from flowforge.cli.untrusted import printable

ENDINGS = {
    "TIMED_OUT": "the execution ran out of time",
    "ABORTED": "the execution was stopped",
}


def failure_lines(status: str, error: str, cause: str, failures: Iterable[Failure], jobs: Mapping[str, str]) -> list[str]:
    """Write a line for each failed job, or one for the execution where no job is to blame.

    ``status``, ``error`` and ``cause`` are what DescribeExecution tells; ``jobs`` maps ids to names.
    """
    lines = [
        f"{printable(jobs.get(failure.job_id, failure.job_id))}, {printable(failure.step)}: "
        f"{printable(failure.error)}: {message_of(failure.cause)}"
        for failure in failures
    ]
    if status != "FAILED":
        lines.append(ENDINGS.get(status, f"the execution ended as {status}"))
    elif not lines:
        lines.append(f"{printable(error)}: {message_of(cause)}")
    return lines


def message_of(cause: str) -> str:
    """Find the message in a cause. Lambda's is JSON with ``errorMessage``; a service's own is plain text."""
    try:
        details = json.loads(cause)
    except ValueError:
        return printable(cause)
    if isinstance(details, dict) and isinstance(details.get("errorMessage"), str):
        return printable(details["errorMessage"])
    return printable(cause)
