"""The Lambda Invoke API over HTTP: RequestResponse, Event and DryRun."""

import base64
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowforge.local.functions import FunctionCaller, FunctionNotFoundError, TooManyRequestsError
from flowforge.local.template import function_arn

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB; asynchronously 1 MB since October 2025.
REQUEST_LIMIT_BYTES = {"RequestResponse": 6_291_456, "Event": 1_048_576, "DryRun": 6_291_456}


class AsynchronousEvents(Protocol):
    """Whatever takes calls of type Event."""

    def check(self, name: str) -> None:
        """Raise FunctionNotFoundError for a function that is not declared."""
        ...

    def accept(self, name: str, payload: bytes) -> str:
        """Take a call, to be run later; the answer is its request id. Raises FunctionNotFoundError."""
        ...


class Refusal(Exception):  # noqa: N818 -- what the caller gets, named as such
    """A call that is refused, in the form in which Lambda refuses it."""

    def __init__(self, status: int, code: str, message: str, **members: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.members: Mapping[str, str] = {"Type": "User", "message": message, **members}

    def response(self) -> Response:
        """The answer to the caller."""
        headers = {"x-amzn-ErrorType": self.code, "x-amzn-RequestId": str(uuid.uuid4())}
        return Response(json.dumps(self.members), self.status, headers=headers, media_type="application/json")


def invoke_route(functions: FunctionCaller, name_of: Callable[[str], str], events: AsynchronousEvents | None = None) -> Route:
    """The route of Invoke; ``name_of`` takes the name out of what a caller may write, a name or an ARN."""

    async def handle(request: Request) -> Response:
        name = name_of(request.path_params["name"])
        try:
            kind = _invocation_type(request)
            payload = _payload(await request.body(), kind)
            if kind == "RequestResponse":
                return await _call(functions, name, payload, with_log=_wants_log(request))
            if events is None:
                raise Refusal(400, "InvalidParameterValueException", f"the local stack has no invocation type {kind}")
            if kind == "DryRun":
                events.check(name)
                return Response(status_code=204, headers={"x-amzn-RequestId": str(uuid.uuid4())})
            return Response(status_code=202, headers={"x-amzn-RequestId": events.accept(name, payload)})
        except FunctionNotFoundError:
            return Refusal(404, "ResourceNotFoundException", f"Function not found: {function_arn(name)}").response()
        except TooManyRequestsError as error:
            return Refusal(429, "TooManyRequestsException", str(error), Reason=error.reason).response()
        except Refusal as refusal:
            return refusal.response()

    endpoint: Callable[[Request], Awaitable[Response]] = handle
    return Route("/2015-03-31/functions/{name:path}/invocations", endpoint, methods=["POST"])


async def _call(functions: FunctionCaller, name: str, payload: bytes, *, with_log: bool) -> Response:
    outcome = await functions.invoke(name, payload)
    headers = {"X-Amz-Executed-Version": "$LATEST", "x-amzn-RequestId": outcome.request_id}
    if outcome.error is not None:
        headers["X-Amz-Function-Error"] = outcome.error
    if with_log:
        headers["X-Amz-Log-Result"] = base64.b64encode(outcome.log_tail).decode()
    return Response(outcome.payload, 200, headers=headers, media_type="application/json")


def _invocation_type(request: Request) -> str:
    kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
    if kind not in REQUEST_LIMIT_BYTES:
        allowed = ", ".join(REQUEST_LIMIT_BYTES)
        message = (
            f"1 validation error detected: Value '{kind}' at 'invocationType' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{allowed}]"
        )
        raise Refusal(400, "ValidationException", message)
    if "x-amz-client-context" in request.headers:
        raise Refusal(400, "InvalidParameterValueException", "the local stack passes no client context to functions")
    return kind


def _wants_log(request: Request) -> bool:
    return request.headers.get("x-amz-log-type", "None") == "Tail"


def _payload(body: bytes, kind: str) -> bytes:
    limit = REQUEST_LIMIT_BYTES[kind]
    if len(body) > limit:
        message = f"{len(body)} byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
        raise Refusal(413, "RequestTooLargeException", message)
    try:
        json.loads(body or b"{}")
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise Refusal(400, "InvalidRequestContentException", message) from error
    return body or b"{}"
