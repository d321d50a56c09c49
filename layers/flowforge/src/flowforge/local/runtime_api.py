"""The Lambda Runtime API that ``awslambdaric`` polls: one listener for one process, one call at a time.

A listener of its own for every process, because the long poll of a process that died would otherwise take the next call.
"""

import contextlib
import json
import queue
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

_INVOCATION = "/2018-06-01/runtime/invocation/"
_INIT_ERROR = "/2018-06-01/runtime/init/error"


@dataclass(frozen=True)
class Call:
    """One call on its way to the process."""

    request_id: str
    payload: bytes
    function_arn: str
    timeout_seconds: float


@dataclass(frozen=True)
class Answer:
    """What the process sent back: a response, an error of the handler, or an error while it was loading."""

    kind: Literal["response", "error", "init"]
    body: bytes


class RuntimeApi:
    """Hands calls to one process and takes its answers.

    ``taken_at`` and ``deadline``, of the monotonic clock, are set when the process takes a call. ``on_poll`` is told of
    every request for a call, ``on_taken`` of a call just before the process gets it.
    """

    def __init__(self, *, on_poll: Callable[[], None], on_taken: Callable[[Call], None]) -> None:
        self.answers: queue.Queue[Answer] = queue.Queue()
        self.deadline: float | None = None
        self.taken_at: float | None = None
        self._on_poll = on_poll
        self._on_taken = on_taken
        self._calls: queue.Queue[Call | None] = queue.Queue()
        self._closing = False
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._serve, daemon=True, name="runtime-api")
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port, as ``AWS_LAMBDA_RUNTIME_API`` wants them."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def send(self, call: Call) -> None:
        """Let the process have a call as soon as it asks for one."""
        self.deadline = self.taken_at = None
        self._calls.put(call)

    def next_call(self) -> Call | None:
        """Wait for a call. The function's own time starts now: what it needed to load does not count. None at the end."""
        self._on_poll()
        call = self._calls.get()
        if call is not None:
            self._on_taken(call)
            self.taken_at = time.monotonic()
            self.deadline = self.taken_at + call.timeout_seconds
        return call

    def close(self) -> None:
        """Stop listening, and let a waiting poll go."""
        self._closing = True
        self._calls.put(None)
        # The listener sleeps until somebody connects: no wake-ups while idle, no wait at the end.
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self._server.server_address[1]), timeout=1).close()
        self._thread.join()
        self._server.server_close()

    def _serve(self) -> None:
        while not self._closing:
            self._server.handle_request()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A poll that is let go by close() may still be writing; nothing waits for it.
    block_on_close = False

    def __init__(self, address: tuple[str, int], api: RuntimeApi) -> None:
        super().__init__(address, _Handler)
        self.api = api

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that is killed drops its connection; whoever killed it knows why, and says so."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Headers and body in one packet: without it the client waits for an acknowledgement in between.
    wbufsize = -1

    def do_GET(self) -> None:
        """``invocation/next``: a long poll until there is a call."""
        if self.path != f"{_INVOCATION}next":
            self._reply(HTTPStatus.NOT_FOUND, b"{}")
            return
        call = self._api.next_call()
        if call is None:
            self.close_connection = True
            return
        self._reply(
            HTTPStatus.OK,
            call.payload,
            {
                "Lambda-Runtime-Aws-Request-Id": call.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + call.timeout_seconds) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": call.function_arn,
                "Lambda-Runtime-Trace-Id": _trace_id(),
            },
        )

    def do_POST(self) -> None:
        """``invocation/{id}/response``, ``invocation/{id}/error`` and ``init/error``."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == _INIT_ERROR:
            self._api.answers.put(Answer("init", body))
        elif self.path.startswith(_INVOCATION) and self.path.endswith("/response"):
            self._api.answers.put(Answer("response", body))
        elif self.path.startswith(_INVOCATION) and self.path.endswith("/error"):
            self._api.answers.put(Answer("error", body))
        else:
            self._reply(HTTPStatus.NOT_FOUND, b"{}")
            return
        self._reply(HTTPStatus.ACCEPTED, json.dumps({"status": "OK"}).encode())

    @property
    def _api(self) -> RuntimeApi:
        if not isinstance(self.server, _Server):
            raise TypeError("this handler belongs to the Runtime API's own server")
        return self.server.api

    def _reply(self, status: HTTPStatus, body: bytes, headers: dict[str, str] | None = None) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it so
        """Requests of the runtime are not logged; what the function prints is."""


def _trace_id() -> str:
    """A trace that nobody samples; the runtime client puts it into ``_X_AMZN_TRACE_ID``."""
    root = f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"
    return f"Root={root};Parent={uuid.uuid4().hex[:16]};Sampled=0"
