"""The service over HTTP, in the protocol that boto3 and the AWS CLI speak: JSON 1.0, the operation in a header."""

import json
import uuid
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowforge.local.states.api_executions import EXECUTION_OPERATIONS
from flowforge.local.states.api_machines import MACHINE_OPERATIONS
from flowforge.local.states.api_versions import VERSION_OPERATIONS
from flowforge.local.states.errors import ServiceError
from flowforge.local.states.service import StatesService

_TARGET_PREFIX = "AWSStepFunctions."
OPERATIONS = {**MACHINE_OPERATIONS, **VERSION_OPERATIONS, **EXECUTION_OPERATIONS}


def states_route(service: StatesService) -> Route:
    """The route that serves every operation of Step Functions. The first request recovers what the journal remembers."""

    async def handle(request: Request) -> Response:
        service.recover()
        return _answer(service, request.headers.get("x-amz-target", ""), await request.body())

    endpoint: Callable[[Request], Awaitable[Response]] = handle
    return Route("/", endpoint, methods=["POST"])


def _answer(service: StatesService, target: str, body: bytes) -> Response:
    operation = OPERATIONS.get(target.removeprefix(_TARGET_PREFIX))
    try:
        if operation is None:
            raise ServiceError("UnknownOperationException", f"the local Step Functions service has no {target}")
        document, status = operation(service, json.loads(body or b"{}")), 200
    except ServiceError as error:
        document, status = {"__type": error.code, "message": error.message}, 400
    except KeyError as error:
        document, status = {"__type": "ValidationException", "message": f"the member {error} is required"}, 400
    return Response(
        json.dumps(document),
        status,
        media_type="application/x-amz-json-1.0",
        headers={"x-amzn-RequestId": str(uuid.uuid4())},
    )
