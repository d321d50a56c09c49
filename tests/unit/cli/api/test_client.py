"""What a command on the API says of an answer that is none, or is not that of the API."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from flowforge.cli.api.address import Address, find_address
from flowforge.cli.api.client import Api
from flowforge.cli.api.errors import ApiError, Ending
from flowforge.cli.usage import UsageError
from flowforge.local.api_endpoints import API, API_TOKEN
from flowforge.local.connection import StackConnection
from flowforge.local.stack_file import StackFile
from flowforge.local.state_folder import StateFolder

TOKEN = "ff_secret"
Scripted = tuple[int, dict[str, str], bytes]
JSON = {"Content-Type": "application/json"}


class Server:
    """Answers what it is told, in order, and keeps what it was asked; None closes the connection without an answer."""

    def __init__(self) -> None:
        self.script: list[Scripted | None] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append((self.command, self.path, dict(self.headers)))
                told = outer.script.pop(0)
                if told is None:
                    self.close_connection = True
                    return
                status, headers, body = told
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def api(url: str) -> Api:
    return Api(Address(url, TOKEN), connect_seconds=1, read_seconds=0.2)


def error_of(ask: Callable[[], object]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        ask()
    assert TOKEN not in str(caught.value)
    return caught.value


def problem(status: int, **fields: Any) -> Scripted:
    document = {"title": "T", "status": status, "detail": "priority is wrong", **fields}
    return status, {"Content-Type": "application/problem+json", "X-Correlation-Id": "req-7"}, json.dumps(document).encode()


@pytest.mark.parametrize(
    ("status", "ending"),
    [
        (400, Ending.FAILURE),
        (401, Ending.FORBIDDEN),
        (403, Ending.FORBIDDEN),
        (404, Ending.NOT_THERE),
        (409, Ending.CONFLICT),
        (412, Ending.CONFLICT),
        (422, Ending.FAILURE),
        (428, Ending.CONFLICT),
        (500, Ending.NO_ANSWER),
    ],
)
def test_a_problem_is_told_with_field_and_request_and_ends_by_its_status(server: Server, status: int, ending: Ending) -> None:
    server.script = [problem(status, field="jobs[0].order", row=3)]
    error = error_of(lambda: api(server.url).get("/api/me"))
    assert (error.ending, error.http_status) == (ending, status)
    assert str(error).startswith(f"priority is wrong (field jobs[0].order, row 3, status {status}, request req-7)")


def test_what_is_not_the_api_is_told(server: Server) -> None:
    server.script = [(200, {}, b"<html>Welcome"), (302, {"Location": "https://login.example"}, b""), (404, {}, b"nothing")]
    for said in ("'<html>Welcome'", "to go to https://login.example", "'nothing'"):
        error = error_of(lambda: api(server.url).get("/api/me"))
        assert (error.ending, said in str(error), "is the address right?" in str(error)) == (Ending.NO_ANSWER, True, True)


def test_an_api_that_is_not_there_is_told() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        error = error_of(lambda: api(url).get("/api/me"))
    assert str(error) == f"nothing answers at {url}: Connection refused; 'flowforge up' starts it"
    assert error.ending is Ending.NO_ANSWER


def test_an_api_that_takes_too_long_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = error_of(lambda: api(f"http://127.0.0.1:{silent.getsockname()[1]}").delete("/api/me"))
    assert "the answer of http://127.0.0.1:" in str(error)
    assert str(error).endswith("it may have been done all the same, so look before you ask again")


def test_a_server_that_does_not_prove_who_it_is_is_told(server: Server) -> None:
    error = error_of(lambda: api(server.url.replace("http", "https")).get("/api/me"))
    assert (error.ending, "does not prove who it is" in str(error)) == (Ending.NO_ANSWER, True)


def test_only_what_may_be_asked_twice_is_asked_again(server: Server) -> None:
    good = (200, JSON, b'{"ok": true}')
    busy = problem(503)
    busy[1]["Retry-After"] = "0"
    server.script = [None, good, busy, good, None, good]
    client = api(server.url)
    assert client.get("/api/me").document == {"ok": True}
    assert client.get("/api/me").document == {"ok": True}
    assert client.post("/api/workflows/w/run", {}, key="k").document == {"ok": True}
    assert [headers.get("Idempotency-Key") for *_, headers in server.asked[-2:]] == ["k", "k"]
    server.script = [busy, None]
    assert error_of(lambda: client.post("/api/tokens", {})).http_status == 503
    assert error_of(lambda: client.put("/api/workflows/w", {}, etag='"1"')).http_status is None
    assert server.script == []


def test_the_token_goes_with_every_request_and_to_nobody_else(server: Server) -> None:
    server.script = [(200, JSON, b"{}"), (302, {"Location": f"{server.url}/other"}, b"")]
    api(server.url).get("/api/me", status=["failed", "running"], search=None)
    assert server.asked[0][1] == "/api/me?status=failed&status=running"
    assert server.asked[0][2]["Authorization"] == f"Bearer {TOKEN}"
    error_of(lambda: api(server.url).get("/api/me"))
    assert len(server.asked) == 2
    assert TOKEN not in repr(Address(server.url, TOKEN))


def test_the_address_comes_from_the_options_or_else_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("ff_of_file\n")
    known = {"FLOWFORGE_API": "https://a.example/", "FLOWFORGE_TOKEN": "ff_of_environment"}
    assert find_address(None, None, None, known) == Address("https://a.example", "ff_of_environment")
    assert find_address("https://b.example", None, None, known) == Address("https://b.example", "ff_of_environment")
    assert find_address(None, tmp_path / "token", None, known) == Address("https://a.example", "ff_of_file")


def test_without_an_address_it_is_that_of_the_stack_whose_token_goes_nowhere_else(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path.resolve())
    endpoints = {"aws": "http://127.0.0.1:1", API: "http://127.0.0.1:2", API_TOKEN: "ff_of_stack"}
    stack = StackConnection(endpoints, "data", "arn")
    with pytest.raises(UsageError, match="'flowforge up' starts one"):
        find_address(None, None, tmp_path, {})
    StackFile.of(stack, shared=True).write(folder.stack_file)
    here = Address("http://127.0.0.1:2", "ff_of_stack")
    assert find_address(None, None, tmp_path, {}) == here
    # The folder is stated, and the variable is left from another stack.
    assert find_address(None, None, tmp_path, {"FLOWFORGE_API": "https://a.example", "FLOWFORGE_TOKEN": "ff_x"}) == here
    with pytest.raises(UsageError, match=r"there is no token for https://b\.example"):
        find_address("https://b.example", None, tmp_path, {})


@pytest.mark.parametrize(
    ("url", "token", "said"),
    [
        ("https://a.example", "", "there is no token for https://a.example"),
        ("http://a.example", "ff_x", "could read the token: use https"),
        ("a.example", "ff_x", "is no address of an API"),
        ("https://anna:secret@a.example", "ff_x", "carries no password"),
        ("https://a.example", "ff_x\nff_y", "the token is one word"),
    ],
)
def test_an_address_that_cannot_be_or_would_give_the_token_away_is_refused(url: str, token: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        find_address(url, None, None, {"FLOWFORGE_TOKEN": token})


def test_elsewhere_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    monkeypatch.setenv("https_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    error = error_of(lambda: api("https://a.example").get("/api/me"))
    assert "the proxy of the environment does not let requests to https://a.example through" in str(error)
