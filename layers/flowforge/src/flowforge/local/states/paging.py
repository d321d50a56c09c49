"""Answers that come in pages, with tokens that lead to the next one."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from flowforge.local.states.errors import ServiceError

Item = TypeVar("Item")

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html: the default is 100.
_DEFAULT_SIZE = 100
_MAXIMAL_SIZE = 1000


def page_of(items: Sequence[Item], request: Mapping[str, Any], owner: str) -> tuple[Sequence[Item], dict[str, str]]:
    """The items of one page, and the member with the token of the next, if there is one.

    ``owner`` names the list: a token of another list is refused. Raises ServiceError.
    """
    size = request.get("maxResults") or _DEFAULT_SIZE
    if not 0 <= size <= _MAXIMAL_SIZE:
        raise ServiceError(
            "ValidationException",
            f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: "
            f"Member must have value less than or equal to {_MAXIMAL_SIZE}",
        )
    start = _start(request["nextToken"], owner) if "nextToken" in request else 0
    end = start + size
    token = {"nextToken": base64.urlsafe_b64encode(f"{end} {owner}".encode()).decode()} if end < len(items) else {}
    return items[start:end], token


def _start(token: str, owner: str) -> int:
    try:
        number, _, named = base64.urlsafe_b64decode(token.encode()).decode().partition(" ")
        if named == owner:
            return int(number)
    except (ValueError, binascii.Error):
        pass
    raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")
