"""How a command on the API ends where the answer is no.

::

    0   done; the execution succeeded; nothing to change
    1   refused, or the execution failed
    2   wrong usage: nothing was asked
    3   the execution was cancelled
    4   nobody known asks, or the role is not enough (401, 403)
    5   it is not there (404)
    6   somebody changed it since it was read, or what is there forbids it (409, 412, 428)
    7   the API does not answer, or not as one (connection, TLS, time limit, 5xx)
    8   the time to wait is over, and the execution goes on
    9   ``apply --dry-run --exit-code``: there is something to change

docs/reference/cli.md tells people the same.
"""

from collections.abc import Mapping
from enum import IntEnum
from http import HTTPStatus
from typing import Any


class Ending(IntEnum):
    """What a command on the API ends with."""

    SUCCESS = 0
    FAILURE = 1
    USAGE = 2
    CANCELLED = 3
    FORBIDDEN = 4
    NOT_THERE = 5
    CONFLICT = 6
    NO_ANSWER = 7
    STILL_RUNNING = 8
    DIFFERENT = 9


OF_STATUS: Mapping[int, Ending] = {
    HTTPStatus.UNAUTHORIZED: Ending.FORBIDDEN,
    HTTPStatus.FORBIDDEN: Ending.FORBIDDEN,
    HTTPStatus.NOT_FOUND: Ending.NOT_THERE,
    HTTPStatus.CONFLICT: Ending.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED: Ending.CONFLICT,
    HTTPStatus.PRECONDITION_REQUIRED: Ending.CONFLICT,
}


class ApiError(Exception):
    """The API did not do it; the message says why, in a line. ``http_status`` is None where there was no answer."""

    def __init__(self, message: str, ending: Ending, *, http_status: int | None = None) -> None:
        super().__init__(message)
        self.ending = ending
        self.http_status = http_status


def error_of_problem(status: int, document: Mapping[str, Any], request_id: str) -> ApiError:
    """The error that a problem document (RFC 9457) tells: its detail, the field at fault, and the request's id for the log."""
    detail = str(document.get("detail") or document.get("error") or document.get("title") or "no reason was given")
    places = []
    for name in ("field", "column", "file", "row"):
        value = document.get(name)
        if value is not None and str(value) not in detail:
            places.append(f"{name} {value}")
    told = ", ".join([*places, f"status {status}", *([f"request {request_id}"] if request_id else [])])
    ending = OF_STATUS.get(status, Ending.NO_ANSWER if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Ending.FAILURE)
    hint = _HINTS.get(status, "")
    return ApiError(f"{detail} ({told}){hint}", ending, http_status=status)


_HINTS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "; FLOWFORGE_TOKEN or --token-file holds the token, and 'flowforge token create' makes one",
}
