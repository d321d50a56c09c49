"""Errors as problem documents (RFC 9457), which also carry ``error`` for clients of the product that this one replaces."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from flowforge.metadata.refusals import Changed, InUse, NameTaken, NotThere, Refusal
from flowforge.model.errors import CommitConflict, CommitUnknown, ConfigFault, DataFault, FlowForgeError, RetryLater
from flowforge.model.workflow import describe_problem
from flowforge.web.access import Forbidden, Unauthenticated
from flowforge.web.correlation import HEADER, request_id
from flowforge.web.versions import NoVersion

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
STATUS: Mapping[type[Exception], HTTPStatus] = {
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotThere: HTTPStatus.NOT_FOUND,
    NameTaken: HTTPStatus.CONFLICT,
    InUse: HTTPStatus.CONFLICT,
    Changed: HTTPStatus.PRECONDITION_FAILED,
    NoVersion: HTTPStatus.PRECONDITION_REQUIRED,
    ConfigFault: HTTPStatus.BAD_REQUEST,
    DataFault: HTTPStatus.UNPROCESSABLE_ENTITY,
    CommitConflict: HTTPStatus.CONFLICT,
    RetryLater: HTTPStatus.SERVICE_UNAVAILABLE,
    CommitUnknown: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What an error of ours says to a client. Any other error is our own fault, and tells nothing of itself."""
logger = logging.getLogger(__name__)


def problem(request: Request, status: int, detail: str, **more: Any) -> JSONResponse:
    """A problem document with its headers."""
    title = HTTPStatus(status).phrase
    content = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.url.path,
        "requestId": request_id(request),
        "error": detail,
        **{name: value for name, value in more.items() if value is not None},
    }
    headers = {HEADER: request_id(request)}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="flowforge"'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_SECONDS)
    return JSONResponse(content, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of an application with a problem document."""
    for kind in (Unauthenticated, Forbidden, NoVersion, FlowForgeError):
        app.add_exception_handler(kind, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _told(request: Request, error: Exception) -> JSONResponse:
    status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), None)
    if status is None:
        return _unexpected(request, error)
    at = error if isinstance(error, FlowForgeError) else None
    where = {"field": at.option, "column": at.column, "file": at.file, "row": at.row} if at else {}
    kind = None if isinstance(error, Refusal) or at is None else type(error).__name__
    return problem(request, status, str(error), kind=kind, **where)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Every field that is wrong, by its place in what was sent."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    wrong = [
        {
            "in": str(item["loc"][0]) if item["loc"] else "body",
            "field": describe_problem(tuple(item["loc"][1:]), "").removesuffix(": "),
            "message": describe_problem((), item["msg"]),
        }
        for item in found
    ]
    lines = [f"{item['field']}: {item['message']}" if item["field"] else item["message"] for item in wrong]
    return problem(request, HTTPStatus.BAD_REQUEST, "; ".join(lines) or "the request is not valid", errors=wrong)


def _http(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    if status == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = f"there is nothing at {request.url.path}"
    return problem(request, status, detail)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.error("request %s: %s %s failed", request_id(request), request.method, request.url.path, exc_info=error)
    return problem(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        f"the server failed; its log says why, under the request {request_id(request)}",
    )
