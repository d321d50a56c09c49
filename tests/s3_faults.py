"""Faults between a step and S3 or Glue: a process that dies at a request, an answer that is lost or is an error."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError
from urllib3 import HTTPResponse

from flowforge.lake.lake import Lake

WRITES = frozenset(
    {"PutObject", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload", "AbortMultipartUpload", "DeleteObjects"}
)


CATALOG_WRITES = frozenset(
    {"CreateDatabase", "CreateTable", "UpdateTable", "DeleteTable", "BatchCreatePartition", "BatchUpdatePartition"}
)


class Crash(BaseException):
    """The process is gone: nothing of the product's may catch it."""


@contextmanager
def registered(lake: Lake, event: str, handler: Callable[..., Any]) -> Iterator[None]:
    """Hold a handler to an event of the client of S3, or of Glue where the event is Glue's."""
    glue = event.partition(".")[2].startswith("glue")
    client: Any = lake.catalog.client if glue and lake.catalog else lake.client
    client.meta.events.register(event, handler)
    try:
        yield
    finally:
        client.meta.events.unregister(event, handler)


@contextmanager
def noting(lake: Lake, operations: frozenset[str] = WRITES) -> Iterator[list[tuple[str, str]]]:
    """The requests that are sent, as operation and key."""
    seen: list[tuple[str, str]] = []

    def note(model: Any, context: Any, **_: Any) -> None:
        if model.name in operations:
            seen.append((model.name, context["key"]))

    def remember(params: Any, context: Any, **_: Any) -> None:
        context["key"] = params.get("Key") or ""

    with registered(lake, "provide-client-params.s3", remember), registered(lake, "before-call.s3", note):
        yield seen


@contextmanager
def crashing_at(lake: Lake, number: int, *, answered: bool) -> Iterator[None]:
    """The process dies at its n-th write (from 1): before it is sent, or when it is done and before the answer is read."""
    writes = 0
    dead = False

    def crash(model: Any, **_: Any) -> None:
        nonlocal writes, dead
        if dead:
            raise Crash
        if model.name in WRITES:
            writes += 1
            if writes == number:
                dead = True
                raise Crash

    with registered(lake, "after-call.s3" if answered else "before-call.s3", crash):
        yield


@contextmanager
def losing_the_answer_of(lake: Lake, operation: str, *, times: int = 1) -> Iterator[None]:
    """The request is done and its answer never arrives."""
    left = times

    def lose(**_: Any) -> None:
        nonlocal left
        if left:
            left -= 1
            raise ConnectionClosedError(endpoint_url=lake.client.meta.endpoint_url)

    with registered(lake, f"after-call.s3.{operation}", lose):
        yield


@contextmanager
def answering(lake: Lake, operation: str, status: int, code: str) -> Iterator[None]:
    """The request is answered with an error and never reaches S3."""
    body = f"<Error><Code>{code}</Code><Message>by the test</Message></Error>".encode()

    def answer(request: Any, **_: Any) -> AWSResponse:
        raw = HTTPResponse(body=io.BytesIO(body), status=status, preload_content=False)
        return AWSResponse(request.url, status, HTTPHeaders.from_pairs([("content-type", "application/xml")]), raw)

    with registered(lake, f"before-send.s3.{operation}", answer):
        yield


@contextmanager
def each_time_before(lake: Lake, operation: str, act: Callable[[], object], *, key: str) -> Iterator[None]:
    """Something happens before every request of an operation on a key; what it sends itself is left alone."""
    acting = False

    def before(params: Any, **_: Any) -> None:
        nonlocal acting
        if not acting and params["Key"] == key:
            acting = True
            try:
                act()
            finally:
                acting = False

    with registered(lake, f"provide-client-params.s3.{operation}", before):
        yield


@contextmanager
def just_before(lake: Lake, operation: str, act: Callable[[], object], *, key: str = "", nth: int = 1) -> Iterator[None]:
    """Something happens once, right before the n-th request of an operation on a key (its end suffices)."""
    left = nth

    def once(params: Any, **_: Any) -> None:
        nonlocal left
        if left and str(params.get("Key", "")).endswith(key):
            left -= 1
            if not left:
                act()

    with registered(lake, f"provide-client-params.s3.{operation}", once):
        yield
    assert not left, f"there was no {operation} to come before"


@contextmanager
def noting_catalog(lake: Lake) -> Iterator[list[str]]:
    """The writes that are sent to Glue."""
    seen: list[str] = []

    def note(model: Any, **_: Any) -> None:
        if model.name in CATALOG_WRITES:
            seen.append(model.name)

    with registered(lake, "before-call.glue", note):
        yield seen


@contextmanager
def crashing_at_catalog_write(lake: Lake, number: int, *, answered: bool) -> Iterator[None]:
    """The process dies at its n-th write to Glue (from 1): before it is sent, or when it is done and not yet answered."""
    left = number

    def crash(model: Any, **_: Any) -> None:
        nonlocal left
        if model.name in CATALOG_WRITES:
            left -= 1
            if not left:
                raise Crash

    with registered(lake, "after-call.glue" if answered else "before-call.glue", crash):
        yield


@contextmanager
def answering_catalog(lake: Lake, operation: str, status: int, code: str) -> Iterator[None]:
    """A request to Glue is answered with an error and never reaches it."""
    body = f'{{"__type": "{code}", "Message": "by the test"}}'.encode()

    def answer(request: Any, **_: Any) -> AWSResponse:
        raw = HTTPResponse(body=io.BytesIO(body), status=status, preload_content=False)
        return AWSResponse(request.url, status, HTTPHeaders.from_pairs([("content-type", "application/json")]), raw)

    with registered(lake, f"before-send.glue.{operation}", answer):
        yield


@contextmanager
def just_before_catalog_write(lake: Lake, operation: str, act: Callable[[], object]) -> Iterator[None]:
    """Something happens once, right before the first request of an operation of Glue."""
    waiting = True

    def once(**_: Any) -> None:
        nonlocal waiting
        if waiting:
            waiting = False
            act()

    with registered(lake, f"before-call.glue.{operation}", once):
        yield
    assert not waiting, f"there was no {operation} to come before"
