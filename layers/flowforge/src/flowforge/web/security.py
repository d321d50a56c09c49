"""What holds for every request before its route sees it: size, headers, and on a laptop who may be talked to at all."""

from collections.abc import Collection, Mapping
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowforge.web.correlation import HEADER, request_id
from flowforge.web.problems import problem

MAX_BODY_BYTES = 1 << 20
"""As much as a load balancer hands to a function (1 MB). Files go to S3 directly."""
HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses what is too large and, where ``hosts`` are given, what was not sent to one of them or from a page of another.

    A page of a stranger can make a browser send requests to a server on its own machine; the name that it used then stands in
    Host (DNS rebinding), the page's origin in Origin.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, headers = Request(scope), Headers(scope=scope)
        refused = self._refused(headers)
        if refused is not None:
            await problem(request, *refused)(scope, receive, self._with_headers(send, request))
            return
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY_BYTES:
                # The framework lets this one error through, and the application answers it.
                raise HTTPException(*_TOO_LARGE)
            return message

        await self._app(scope, limited, self._with_headers(send, request))

    def _refused(self, headers: Headers) -> tuple[int, str] | None:
        if self._hosts and headers.get("host", "") not in self._hosts:
            return HTTPStatus.FORBIDDEN, f"this server is called {' or '.join(sorted(self._hosts))}, and nothing else"
        origin = headers.get("origin")
        if self._hosts and origin is not None and origin.removeprefix("http://") not in self._hosts:
            return HTTPStatus.FORBIDDEN, "pages of other sites may not ask this server"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return _TOO_LARGE
        return None

    @staticmethod
    def _with_headers(send: Send, request: Request) -> Send:
        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers[HEADER] = request_id(request)
            await send(message)

        return wrapped


_TOO_LARGE = (
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    f"a request has at most {MAX_BODY_BYTES:,} bytes; files are uploaded to S3 directly",
)
