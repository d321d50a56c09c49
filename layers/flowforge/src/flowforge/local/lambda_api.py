"""The Lambda Invoke API over HTTP, as far as a laptop needs it: RequestResponse."""

import json
import uuid
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowforge.local.functions import FunctionCaller, FunctionNotFoundError
from flowforge.local.template import function_arn

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
REQUEST_LIMIT_BYTES = 6_291_456


def invoke_route(functions: FunctionCaller, name_of: Callable[[str], str]) -> Route:
    """The route of Invoke; ``name_of`` takes the name out of what a caller may write, a name or an ARN."""

    async def handle(request: Request) -> Response:
        name = name_of(request.path_params["name"])
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind != "RequestResponse":
            return _refusal(400, "InvalidParameterValueException", f"the local stack has no invocation type {kind}")
        body = await request.body()
        if len(body) > REQUEST_LIMIT_BYTES:
            message = f"{len(body)} byte payload is too large for the RequestResponse invocation type"
            return _refusal(413, "RequestTooLargeException", f"{message} (limit {REQUEST_LIMIT_BYTES} bytes)")
        try:
            json.loads(body or b"{}")
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            return _refusal(400, "InvalidRequestContentException", message)
        try:
            outcome = await functions.invoke(name, body or b"{}")
        except FunctionNotFoundError:
            return _refusal(404, "ResourceNotFoundException", f"Function not found: {function_arn(name)}")
        headers = {"X-Amz-Executed-Version": "$LATEST", "x-amzn-RequestId": outcome.request_id}
        if outcome.error is not None:
            headers["X-Amz-Function-Error"] = outcome.error
        return Response(outcome.payload, 200, headers=headers, media_type="application/json")

    endpoint: Callable[[Request], Awaitable[Response]] = handle
    return Route("/2015-03-31/functions/{name:path}/invocations", endpoint, methods=["POST"])


def _refusal(status: int, code: str, message: str) -> Response:
    return Response(
        json.dumps({"Type": "User", "message": message}),
        status,
        headers={"x-amzn-ErrorType": code, "x-amzn-RequestId": str(uuid.uuid4())},
        media_type="application/json",
    )
