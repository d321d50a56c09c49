"""An S3, a Glue and their neighbours within this process: moto's server, with the conditions that it leaves out.

They are reached over HTTP by whoever speaks HTTP: polars, processes, proxies. A client of boto3 in this process hands its
signed request over without a connection, which saves a third of what a request costs.
"""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

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
from urllib3 import HTTPResponse

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
        patched.setattr(URLLib3Session, "send", _at_hand(application, f"127.0.0.1:{server.bind_addr[1]}"))
        threading.Thread(target=server.serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.bind_addr[1]}"
        server.stop()


def _at_hand(application: Callable[..., Any], host: str) -> Callable[[URLLib3Session, AWSPreparedRequest], AWSResponse]:
    """The sending of a request by which the application is called where it is meant; others go over the network."""
    over_the_network = URLLib3Session.send

    def send(self: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        if urlsplit(request.url).netloc != host:
            return over_the_network(self, request)
        answered: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answered.update(status=int(status.partition(" ")[0]), headers=headers)

        chunks = application(_environ(request), start)
        try:
            body = b"".join(chunks)
        finally:
            chunks.close()
        raw = HTTPResponse(io.BytesIO(body), **answered, request_method=request.method, preload_content=False)
        return AWSResponse(request.url, answered["status"], HTTPHeaders.from_pairs(answered["headers"]), raw)

    return send


def _environ(request: AWSPreparedRequest) -> dict[str, Any]:
    """A request as a server hands it to its application (PEP 3333)."""
    url = urlsplit(request.url)
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    content = body.encode() if isinstance(body, str) else bytes(body)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path).decode("latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": url.netloc,
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(content),
    }
    for name, value in request.headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        environ[f"HTTP_{name.upper().replace('-', '_')}"] = text
    # The body is whole here, however it would have been sent.
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    environ["CONTENT_LENGTH"] = str(len(content))
    return environ
