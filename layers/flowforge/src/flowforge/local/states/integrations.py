"""What a task can call. Each integration has a resource ARN, and fails with the error names that AWS gives it."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, Protocol

from flowforge.local.functions import FunctionCaller, FunctionNotFoundError, TooManyRequestsError
from flowforge.local.sandbox import Outcome
from flowforge.local.states.errors import RUNTIME, StateError
from flowforge.local.states.fields import ArgumentNames
from flowforge.local.states.payload import encode
from flowforge.local.states.task_reader import INVOKE
from flowforge.local.template import function_arn


@dataclass(frozen=True)
class Call:
    """One attempt of a task: what it gives its integration, and on whose behalf.

    ``submitted`` tells the answer of an integration that goes on waiting after it was answered.
    """

    arguments: Any
    execution_arn: str
    machine_arn: str
    submitted: Callable[[Any], None]


class Integration(Protocol):
    """One resource that a task may name."""

    @property
    def arn(self) -> str:
        """The resource as the definition names it."""
        ...

    @property
    def resource_type(self) -> str:
        """The service, as history events name it."""
        ...

    @property
    def resource(self) -> str:
        """The action, as history events name it."""
        ...

    @property
    def names(self) -> ArgumentNames:
        """The fields that its ``Arguments`` may and must have."""
        ...

    async def call(self, call: Call) -> Any:
        """Call the service. Raises StateError."""
        ...


class LambdaInvoke:
    """``arn:aws:states:::lambda:invoke``: calls a function and waits for its answer."""

    arn = INVOKE
    resource_type = "lambda"
    resource = "invoke"
    names = ArgumentNames(("FunctionName", "Payload"), ("FunctionName",))

    def __init__(self, functions: FunctionCaller) -> None:
        self._functions = functions

    async def call(self, call: Call) -> Any:
        """Invoke the function named by ``FunctionName`` with ``Payload``."""
        name, payload = _check(call.arguments)
        try:
            outcome = await self._functions.invoke(name, encode(payload).encode())
        except FunctionNotFoundError:
            raise not_found(name) from None
        except TooManyRequestsError as error:
            raise StateError(
                "Lambda.TooManyRequestsException",
                f"{error} (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; "
                f"Request ID: {uuid.uuid4()}; Proxy: null)",
            ) from None
        return lambda_result(outcome)


def function_name(reference: str) -> str:
    """The name inside a function's name or ARN, without version or alias."""
    parts = reference.split(":")
    if reference.startswith("arn:"):
        return parts[6] if len(parts) > 6 else reference
    if "function" in parts[:-1]:
        return parts[parts.index("function") + 1]
    return parts[0]


def not_found(name: str) -> StateError:
    """The failure of a task that calls a function that does not exist."""
    return StateError(
        "Lambda.ResourceNotFoundException",
        f"Function not found: {function_arn(name)} (Service: AWSLambda; Status Code: 404; "
        f"Error Code: ResourceNotFoundException; Request ID: {uuid.uuid4()}; Proxy: null)",
    )


def sdk_metadata(headers: Mapping[str, str], request_id: str) -> dict[str, Any]:
    """The two members that AWS adds to the result of an optimized integration."""
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": dict(headers),
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }


def lambda_result(outcome: Outcome) -> dict[str, Any]:
    """The result of the task, in the shape in which AWS gives it. Raises StateError for a function's error."""
    text = outcome.payload.decode()
    if outcome.error is not None:
        raise _function_failure(text)
    headers = {
        "Connection": "keep-alive",
        "Content-Length": str(len(outcome.payload)),
        "Content-Type": "application/json",
        "Date": formatdate(usegmt=True),
        "X-Amz-Executed-Version": "$LATEST",
        "x-amzn-Remapped-Content-Length": "0",
        "x-amzn-RequestId": outcome.request_id,
    }
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": json.loads(text) if text else None,
        **sdk_metadata(headers, outcome.request_id),
        "StatusCode": 200,
    }


def _function_failure(text: str) -> StateError:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    error = document.get("errorType") if isinstance(document, Mapping) else None
    if isinstance(error, str) and error:
        return StateError(error, text)
    cause = f"The cause could not be determined because Lambda did not return an error type. Returned payload: {text}"
    return StateError("Lambda.Unknown", cause)


def _check(arguments: Any) -> tuple[str, Any]:
    if not isinstance(arguments, Mapping) or not isinstance(arguments.get("FunctionName"), str):
        raise StateError(RUNTIME, "The arguments of lambda:invoke name no function: FunctionName is required")
    return function_name(arguments["FunctionName"]), arguments.get("Payload", {})
