"""Calls of AWS services by boto3, made in threads, with errors named as Step Functions names them."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from email.utils import formatdate
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from flowforge.local.states.errors import StateError, runtime_failure
from flowforge.local.states.integrations import sdk_metadata
from flowforge.local.states.payload import encode

Clients = Callable[[str], Any]
"""Makes a boto3 client of a service."""


class ServiceClient:
    """A service that tasks call. Its client is made with the first call, which can take a tenth of a second.

    ``prefix`` begins the error names, ``unnamed`` is the error where the service has no name for it; ``service`` is what
    the causes call it. An SDK integration writes its causes in another form than an optimized one.
    """

    def __init__(self, clients: Clients, name: str, *, prefix: str, unnamed: str, service: str, sdk: bool = False) -> None:
        self._clients = clients
        self._name = name
        self._prefix = prefix
        self._unnamed = unnamed
        self._service = service
        self._sdk = sdk
        self._client: Any = None

    async def call(self, operation: str, arguments: Any, *, read: Callable[[Any], Any] | None = None) -> Any:
        """Call an operation; ``read`` works on the answer in the same thread. Raises StateError."""
        if not isinstance(arguments, Mapping):
            raise runtime_failure(f"The Arguments '{encode(arguments)}' could not be used to start the Task: not an object")
        try:
            return await asyncio.to_thread(self._call, operation, dict(arguments), read)
        except ParamValidationError as error:
            raise runtime_failure(
                f"The Arguments '{encode(arguments)}' could not be used to start the Task: [{error}]"
            ) from error
        except ClientError as error:
            raise StateError(f"{self._prefix}.{self._error_name(error)}", self._cause(error)) from error
        except BotoCoreError as error:
            raise StateError(f"{self._prefix}.SdkClientException", f"Unable to execute HTTP request: {error}") from error

    def _call(self, operation: str, arguments: dict[str, Any], read: Callable[[Any], Any] | None) -> Any:
        if self._client is None:
            self._client = self._clients(self._name)
        answer = getattr(self._client, operation)(**arguments)
        return answer if read is None else read(answer)

    def _error_name(self, error: ClientError) -> str:
        # The class of an error that the service's description names; a plain ClientError for every other.
        name = type(error).__name__
        if name == "ClientError":
            return self._unnamed
        return name if name.endswith("Exception") else f"{name}Exception"

    def _cause(self, error: ClientError) -> str:
        metadata = error.response.get("ResponseMetadata", {})
        told = error.response.get("Error", {})
        status, request_id = metadata.get("HTTPStatusCode", 0), metadata.get("RequestId") or uuid.uuid4()
        message = told.get("Message", "")
        if self._sdk:
            extended = f", Extended Request ID: {metadata['HostId']}" if metadata.get("HostId") else ""
            return f"{message} (Service: {self._service}, Status Code: {status}, Request ID: {request_id}{extended})"
        return (
            f"{message} (Service: {self._service}; Status Code: {status}; Error Code: {told.get('Code', 'Unknown')}; "
            f"Request ID: {request_id}; Proxy: null)"
        )


def with_metadata(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The result of an optimized integration: the answer's members, and what the SDK tells about the response."""
    metadata = answer.get("ResponseMetadata", {})
    request_id = metadata.get("RequestId") or str(uuid.uuid4())
    told = metadata.get("HTTPHeaders", {})
    headers = {
        "Content-Length": told.get("content-length", "0"),
        "Content-Type": told.get("content-type", "application/json"),
        "Date": told.get("date", formatdate(usegmt=True)),
        "x-amzn-RequestId": request_id,
    }
    return {**without_metadata(answer), **sdk_metadata(headers, request_id)}


def without_metadata(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer's own members."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def as_text(value: Any) -> str:
    """A message as the service wants it: a string as it is, any other JSON as its text."""
    return value if isinstance(value, str) else encode(value)
