"""The id of a request: it joins the lines of its log and of the audit log, and stands in every answer."""

import re
import uuid

from fastapi import Request

HEADER = "x-correlation-id"
_GIVEN = re.compile(r"[A-Za-z0-9._:-]{1,100}")


def request_id(request: Request) -> str:
    """The id that a client gave, where it is fit to be written down, or a new one; the same for all who ask."""
    known = getattr(request.state, "request_id", None)
    if known is None:
        given = request.headers.get(HEADER, "")
        known = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        request.state.request_id = known
    return str(known)
