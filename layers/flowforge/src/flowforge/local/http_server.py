"""An HTTP server in a thread with an event loop of its own, on 127.0.0.1 at a free port or a stated one."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

_STOP_SECONDS = 10.0
_BACKLOG = 128


class BackgroundServer:
    """Serves routes until it is closed. ``on_start`` runs on its loop before the first request, ``on_stop`` at the end.

    ``listener`` is where it listens, for those who have to know the address before there is a server.
    """

    def __init__(
        self,
        routes: Sequence[BaseRoute],
        on_stop: Callable[[], Awaitable[None]],
        on_start: Callable[[], None] = lambda: None,
        listener: socket.socket | None = None,
    ) -> None:
        self._on_start = on_start
        self._on_stop = on_stop
        # Bound here, so that the port is known, and clients can connect, before the thread has begun to serve.
        self._socket = listener or listen()
        config = uvicorn.Config(
            Starlette(routes=list(routes)),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, daemon=True, name="local-aws-apis")
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """The URL of the server."""
        return endpoint_of(self._socket)

    def close(self) -> None:
        """Stop serving, and end the thread."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
        self._socket.close()

    def _serve(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._on_start()
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            await self._on_stop()


def endpoint_of(listener: socket.socket) -> str:
    """The URL of a server that listens there."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def listen(port: int = 0) -> socket.socket:
    """A socket at a free port, or at the one given, to which clients can connect from now on. Raises OSError for one in use."""
    # The protocol is named, because asyncio turns Nagle's algorithm off for named ones only, and with it on every answer
    # waits 40 ms for the client to acknowledge its headers.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # A port whose last server has just ended can be taken again.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    listener.listen(_BACKLOG)
    return listener
