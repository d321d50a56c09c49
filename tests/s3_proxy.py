"""A proxy before S3 that loses answers, refuses, stalls and cuts off, by a schedule that a seed decides.

What a client cannot tell apart on a real network: a request that never arrived from one whose answer got lost. It stands
before boto3 and before the engine's own reader and writer alike.
"""

import random
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

from emulated_aws import Answer, answer_at_hand

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "expect"})
STALL_SECONDS = 20


@dataclass(frozen=True)
class Request:
    """What decides which faults a request can meet."""

    method: str
    query: dict[str, list[str]]
    conditional: bool

    @property
    def of_an_upload(self) -> bool:
        """Whether it names a multipart upload, which can be gone."""
        return "uploadId" in self.query


Fault = Callable[["Handler"], None]


class Faults(Protocol):
    """Decides what becomes of each request."""

    def next(self, request: Request) -> Fault | None:
        """The fault of the next request, or None."""


SomeFaults = TypeVar("SomeFaults", bound=Faults)


def lost_request(handler: "Handler") -> None:
    """The connection breaks before S3 has seen anything."""
    handler.hang_up()


def lost_answer(handler: "Handler") -> None:
    """S3 does it, and the connection breaks."""
    handler.forward()
    handler.hang_up()


def stalled_answer(handler: "Handler") -> None:
    """S3 does it, and the answer does not come before the client gives up."""
    handler.forward()
    select.select([handler.connection], [], [], STALL_SECONDS)
    handler.hang_up()


def cut_off_answer(handler: "Handler") -> None:
    """The connection breaks in the middle of the answer's body."""
    answer = handler.forward()
    handler.begin(answer.status, answer.headers, len(answer.body))
    handler.wfile.write(answer.body[: len(answer.body) // 2])
    handler.hang_up()


def slow_down(handler: "Handler") -> None:
    """S3 is too busy."""
    handler.refuse(503, "SlowDown")


def conflict(handler: "Handler") -> None:
    """Another conditional request is under way."""
    handler.refuse(409, "ConditionalRequestConflict")


def condition_failed(handler: "Handler") -> None:
    """The condition does not hold, says S3."""
    handler.refuse(412, "PreconditionFailed")


def no_such_upload(handler: "Handler") -> None:
    """The multipart upload is gone."""
    handler.refuse(404, "NoSuchUpload")


def faults_for(request: Request) -> list[Fault]:
    """What can happen to a request on its way to S3 and back."""
    faults: list[Fault] = [lost_request, lost_answer, stalled_answer, slow_down]
    if request.method == "GET":
        faults.append(cut_off_answer)
    if request.conditional and request.method in ("PUT", "POST"):
        faults += [conflict, condition_failed]
    if request.of_an_upload:
        faults.append(no_such_upload)
    return faults


@dataclass(frozen=True)
class Seen:
    """A request as it came in, with the status that S3 gave it."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    status: int


@dataclass
class Schedule:
    """Which requests meet which fault: chance by a seed, ``faults`` in all, so that every step comes through in the end."""

    seed: int
    faults: int
    probability: float
    met: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._lock = threading.Lock()

    def next(self, request: Request) -> Fault | None:
        """The fault of the next request, or None."""
        with self._lock:
            if len(self.met) >= self.faults or self._random.random() >= self.probability:
                return None
            fault = self._random.choice(faults_for(request))
            self.met.append(f"{request.method} {fault.__name__}")
            return fault


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    # Head and body in one segment: Nagle's wait would cost 40 ms an answer.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: "FaultyProxy"

    def handle_one_request(self) -> None:
        """Answer the next request; a client that went away is no error."""
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def handle_expect_100(self) -> bool:
        """Tell a client that waits for it to send its body, at once."""
        told = super().handle_expect_100()
        self.wfile.flush()
        return told

    def answer(self) -> None:
        """Forward the request, or let it meet its fault."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        conditional = "If-Match" in self.headers or "If-None-Match" in self.headers
        schedule = self.server.schedule
        fault = schedule.next(Request(self.command, query, conditional)) if schedule else None
        if fault:
            fault(self)
            return
        answer = self.forward()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(self.command, urlsplit(self.path).path, query, headers, self.body, answer.status))
        stated = (value for name, value in answer.headers if name.lower() == "content-length")
        self.begin(answer.status, answer.headers, int(next(stated, len(answer.body))))
        self.wfile.write(answer.body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815 -- the names that the standard library calls

    def forward(self) -> Answer:
        """Let S3 do what was asked; its answer with the whole body."""
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        url = f"http://{self.server.target}{self.path}"
        return answer_at_hand(self.command, url, headers.items(), self.body) or self._fetched(headers)

    def _fetched(self, headers: dict[str, str]) -> Answer:
        """The answer of an S3 that is not of this process."""
        connection = HTTPConnection(self.server.target)
        try:
            connection.request(self.command, self.path, body=self.body, headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def begin(self, status: int, headers: list[tuple[str, str]], length: int) -> None:
        """Send the head of an answer."""
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def refuse(self, status: int, code: str) -> None:
        """Answer with an error of S3 without asking it."""
        body = b"" if self.command == "HEAD" else f"<Error><Code>{code}</Code><Message>by the test</Message></Error>".encode()
        self.begin(status, [("Content-Type", "application/xml")], len(body))
        self.wfile.write(body)

    def hang_up(self) -> None:
        """Break the connection, whatever was sent."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Say nothing: the schedule remembers what happened."""


class FaultyProxy(ThreadingHTTPServer):
    """Serves on loopback, before the S3 at ``target`` (host and port)."""

    daemon_threads = True
    schedule: Faults | None = None

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = target
        self.seen: list[Seen] = []

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def following(self, schedule: SomeFaults) -> Iterator[SomeFaults]:
        """Let the requests of the block meet what the schedule says."""
        self.schedule = schedule
        try:
            yield schedule
        finally:
            self.schedule = None


@contextmanager
def faulty_proxy(s3_url: str) -> Iterator[FaultyProxy]:
    """A proxy before an S3, which does nothing until it follows a schedule."""
    with FaultyProxy(urlsplit(s3_url).netloc) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
