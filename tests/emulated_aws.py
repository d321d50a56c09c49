"""An S3, a Glue and their neighbours within this process: moto's server, with the conditions that it leaves out.

They are reached over HTTP by polars and by other processes. A client of boto3 in this process hands its signed request over
without a connection, and so does a proxy, which saves a third of what a request costs.
"""

import io
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, unquote_to_bytes, urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.httpsession import URLLib3Session
from cheroot.wsgi import Server as WSGIServer
from moto import backends
from moto.core.exceptions import JsonRESTError
from moto.glue.responses import GlueResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3 import responses
from moto.s3.exceptions import MissingKey, PreconditionFailed
from urllib3 import HTTPHeaderDict, HTTPResponse

_complete_or_create = responses.S3Response._key_response_post
_put = responses.S3Response._key_response_put
_update_table = GlueResponse.update_table
_one_at_a_time = threading.RLock()


class ConcurrentModificationError(JsonRESTError):
    """Glue's ConcurrentModificationException."""

    code = 400

    def __init__(self) -> None:
        super().__init__("ConcurrentModificationException", "Update table failed due to concurrent modifications.")


def _refusing_broken_conditions(self: Any, *args: Any, **kwargs: Any) -> Any:
    """S3 refuses to complete an upload whose If-Match does not hold; moto 5.2.5 ignores the header.

    S3 looks and writes in one step; moto answers each request in a thread and looks before it writes.
    """
    with _one_at_a_time:
        expected = self.headers.get("If-Match")
        if expected and "uploadId" in (self.querystring or {}):
            present = self.backend.get_object(self.bucket_name, self.parse_key_name())
            if present is None:
                raise MissingKey
            if expected.strip('"') != present.etag.strip('"'):
                raise PreconditionFailed("If-Match")
        return _complete_or_create(self, *args, **kwargs)


def _copying_what_was_seen(self: Any, *args: Any, **kwargs: Any) -> Any:
    """S3 copies no part of an object that is not what the condition says; moto ignores the header."""
    with _one_at_a_time:
        expected = self.headers.get("x-amz-copy-source-if-match")
        if expected:
            bucket, _, key = unquote(self.headers["x-amz-copy-source"]).lstrip("/").partition("/")
            present = self.backend.get_object(bucket, key)
            if present is not None and expected.strip('"') != present.etag.strip('"'):
                raise PreconditionFailed("x-amz-copy-source-If-Match")
        return _put(self, *args, **kwargs)


def _refusing_old_versions(self: Any) -> Any:
    """Glue refuses to change a table that is no longer at the version that the request names; moto ignores it."""
    with _one_at_a_time:
        expected = self.parameters.get("VersionId")
        table = self.parameters["TableInput"]["Name"]
        if expected and self.glue_backend.get_table(self.parameters["DatabaseName"], table).as_dict()["VersionId"] != expected:
            raise ConcurrentModificationError
        return _update_table(self)


@contextmanager
def emulated_aws() -> Iterator[str]:
    """The address of the services, while they run."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(responses.S3Response, "_key_response_post", _refusing_broken_conditions)
        patched.setattr(responses.S3Response, "_key_response_put", _copying_what_was_seen)
        patched.setattr(GlueResponse, "update_table", _refusing_old_versions)
        # moto lists its own folder for every request, and its server opens a connection and a thread for each.
        modules = tuple(backends.list_of_moto_modules())
        patched.setattr(backends, "list_of_moto_modules", lambda: modules)
        application = DomainDispatcherApplication(create_backend_app)
        server = WSGIServer(("127.0.0.1", 0), application, numthreads=16)
        server.prepare()
        host = f"127.0.0.1:{server.bind_addr[1]}"
        patched.setitem(_at_hand, host, application)
        patched.setattr(URLLib3Session, "send", _send)
        threading.Thread(target=server.serve, daemon=True).start()
        yield f"http://{host}"
        server.stop()


@dataclass(frozen=True)
class Answer:
    """What a server says to a request."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


_at_hand: dict[str, Callable[..., Any]] = {}
"""The applications of this process by the host and port that they are served at."""


def answer_at_hand(method: str, url: str, headers: Iterable[tuple[str, Any]], body: bytes) -> Answer | None:
    """What the server at the URL's host says, asked without a connection; None where it is not of this process."""
    parts = urlsplit(url)
    application = _at_hand.get(parts.netloc)
    if application is None:
        return None
    began: list[Any] = []
    chunks = application(_environ(method, parts, headers, body), lambda *start: began.extend(start))
    try:
        content = b"".join(chunks)
    finally:
        chunks.close()
    return Answer(int(began[0].partition(" ")[0]), began[1], content)


def _environ(method: str, url: SplitResult, headers: Iterable[tuple[str, Any]], body: bytes) -> dict[str, Any]:
    """A request as a server hands it to its application (PEP 3333)."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path).decode("latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
    }
    for name, value in headers:
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = text
    # The body is whole here, however it would have been sent.
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["HTTP_HOST"] = url.netloc
    return environ


_over_the_network = URLLib3Session.send


def _send(self: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
    """botocore's own, but for a server of this process."""
    if urlsplit(request.url).netloc not in _at_hand:
        return _over_the_network(self, request)
    body: Any = request.body or b""
    content = body.read() if hasattr(body, "read") else body
    content = content.encode() if isinstance(content, str) else bytes(content)
    answer = answer_at_hand(request.method, request.url, request.headers.items(), content)
    assert answer is not None
    headers = HTTPHeaderDict(answer.headers)
    raw = HTTPResponse(io.BytesIO(answer.body), headers, answer.status, preload_content=False, request_method=request.method)
    return AWSResponse(request.url, answer.status, HTTPHeaders.from_pairs(answer.headers), raw)
