"""Asking the API: JSON over HTTP with the token, time limits, and an error that says what to do for whatever goes wrong."""

import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError, ProxyError, SSLError
from urllib3.util import Retry, Timeout

from flowforge.cli.api.address import Address
from flowforge.cli.api.errors import ApiError, Ending, error_of_problem

CONNECT_SECONDS = 5.0
READ_SECONDS = 65.0
"""A little more than a load balancer waits for what stands behind it (60 s)."""
PAGE = 200
"""The most that one request lists."""
REQUEST_ID = "X-Correlation-Id"
OVERLOADED = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
BODY_SHOWN = 120


@dataclass(frozen=True)
class Answer:
    """What the API said: the document, and the ETag of what it shows."""

    document: Any
    etag: str = ""


class Api:
    """A client of one address. Requests that change nothing, or say so by a key, are sent again where the answer was lost."""

    def __init__(self, address: Address, *, connect_seconds: float = CONNECT_SECONDS, read_seconds: float = READ_SECONDS) -> None:
        self.address = address
        self._timeout = Timeout(connect=connect_seconds, read=read_seconds)
        self._pool = _pool(address)

    def get(self, path: str, **query: Any) -> Answer:
        """Read. ``query`` without what is None; a list stands there once for each value."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask(HTTPMethod.GET, f"{path}?{urlencode(given, doseq=True)}" if given else path)

    def post(self, path: str, document: Any = None, *, key: str | None = None, changes: bool = True) -> Answer:
        """Ask for something to be done; with a key, or where it changes nothing, again where the answer was lost."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._ask(HTTPMethod.POST, path, document, headers, again=key is not None or not changes)

    def put(self, path: str, document: Any, *, etag: str | None) -> Answer:
        """Replace what was seen under the ETag; without one, make what is not there yet."""
        return self._ask(HTTPMethod.PUT, path, document, {"If-Match": etag} if etag else {"If-None-Match": "*"})

    def delete(self, path: str, *, etag: str | None = None) -> Answer:
        """Remove, with an ETag only what was seen under it."""
        return self._ask(HTTPMethod.DELETE, path, headers={"If-Match": etag} if etag else {})

    def pages(self, path: str, name: str, *, size: int = PAGE, **query: Any) -> Iterator[Any]:
        """Everything that numbered pages hold under ``name``, once each, whatever moves to a later page meanwhile."""
        seen: set[str] = set()
        number = 1
        while True:
            document = self.get(path, page=number, limit=size, **query).document
            for item in document[name]:
                if item["id"] not in seen:
                    seen.add(item["id"])
                    yield item
            if number >= document["pagination"]["pages"]:
                return
            number += 1

    def _ask(
        self,
        method: HTTPMethod,
        path: str,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        again: bool = False,
    ) -> Answer:
        repeatable = again or method is HTTPMethod.GET
        sent = {"Accept": "application/json", "Authorization": f"Bearer {self.address.token}", **(headers or {})}
        body = None
        if document is not None:
            body, sent["Content-Type"] = json.dumps(document, allow_nan=False).encode(), "application/json"
        retries = Retry(
            total=None,
            connect=0,
            read=1 if repeatable else 0,
            redirect=0,
            other=0,
            status=2 if repeatable else 0,
            status_forcelist=OVERLOADED,
            allowed_methods=None,
            backoff_factor=0.5,
            raise_on_redirect=False,
            raise_on_status=False,
        )
        try:
            response = self._pool.request(
                method, self.address.url + path, body=body, headers=sent, retries=retries, timeout=self._timeout, redirect=False
            )
        except HTTPError as error:
            raise ApiError(self._why_no_answer(error, repeatable), Ending.NO_ANSWER) from error
        return self._read(response)

    def _read(self, response: urllib3.BaseHTTPResponse) -> Answer:
        try:
            document = json.loads(response.data) if response.data else None
        except ValueError:
            document = None
        if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES and (document is not None or not response.data):
            return Answer(document, response.headers.get("ETag", ""))
        if isinstance(document, dict) and response.status >= HTTPStatus.BAD_REQUEST:
            raise error_of_problem(response.status, document, response.headers.get(REQUEST_ID, ""))
        start = response.data[:BODY_SHOWN].decode("utf-8", "replace").strip()
        told = f"to go to {response.headers['Location']}" if response.headers.get("Location") else repr(start)
        raise ApiError(
            f"{self.address.url} answers {response.status}, and not as the API does: {told}; is the address right?",
            Ending.NO_ANSWER,
            http_status=response.status,
        )

    def _why_no_answer(self, error: HTTPError, repeatable: bool) -> str:
        reason = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
        url = self.address.url
        if isinstance(reason, ProxyError):
            return f"the proxy of the environment does not let requests to {url} through: {_words(reason)}"
        if isinstance(reason, SSLError):
            return (
                f"{url} does not prove who it is: {_words(reason)}; a certificate authority of your own is named by SSL_CERT_FILE"
            )
        if isinstance(reason, ConnectTimeoutError) and not isinstance(reason, NewConnectionError):
            return f"{url} does not answer within {self._timeout.connect_timeout} seconds"
        if isinstance(reason, NewConnectionError):
            started = "; 'flowforge up' starts it" if self.address.is_here else ""
            return f"nothing answers at {url}: {_words(reason)}{started}"
        done = "" if repeatable else "; it may have been done all the same, so look before you ask again"
        return f"the answer of {url} was lost: {_words(reason)}{done}"


def part(text: str) -> str:
    """An id as a part of a path."""
    return quote(text, safe="")


def _pool(address: Address) -> urllib3.PoolManager:
    """Connections to an address: direct on this machine, elsewhere through the proxy that the environment names."""
    parts = urlsplit(address.url)
    context = ssl.create_default_context() if parts.scheme == "https" else None
    proxy = None if address.is_here or proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    if proxy:
        return urllib3.ProxyManager(proxy if "://" in proxy else f"http://{proxy}", ssl_context=context)
    return urllib3.PoolManager(ssl_context=context)


def _words(error: BaseException) -> str:
    """What the system said, without the names of objects that the library puts before it."""
    cause: BaseException = error
    while isinstance(cause, HTTPError) and isinstance(cause.__cause__ or cause.__context__, OSError):
        cause = cause.__cause__ or cause.__context__ or cause
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause).rpartition(">: ")[2]
