"""Athena over HTTP, in the protocol that boto3 and the AWS CLI speak: JSON 1.1, the operation in a header."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowforge.local.athena.service import AthenaService, RequestError

TARGET_PREFIX = "AmazonAthena."
PATH = "/athena"
"""A path of its own: Step Functions, which speaks the same protocol, is served at the root."""


def athena_route(service: AthenaService) -> Route:
    """The route that serves the operations of Athena."""

    async def handle(request: Request) -> Response:
        body = await request.body()
        return await asyncio.to_thread(_answer, service, request.headers.get("x-amz-target", ""), body)

    endpoint: Callable[[Request], Awaitable[Response]] = handle
    return Route(PATH, endpoint, methods=["POST"])


def _answer(service: AthenaService, target: str, body: bytes) -> Response:
    operation = service.operations.get(target.removeprefix(TARGET_PREFIX))
    try:
        if operation is None:
            raise RequestError(f"Athena on the laptop has no {target.removeprefix(TARGET_PREFIX)}")
        document, status = operation(json.loads(body or b"{}")), 200
    except RequestError as error:
        document, status = {"__type": "InvalidRequestException", "Message": str(error)}, 400
    except KeyError as error:
        document, status = {"__type": "InvalidRequestException", "Message": f"the member {error} is required"}, 400
    return Response(
        json.dumps(document),
        status,
        media_type="application/x-amz-json-1.1",
        headers={"x-amzn-RequestId": str(uuid.uuid4())},
    )
