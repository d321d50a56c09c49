"""The API on a laptop: on 127.0.0.1 alone, for whoever has the token that it makes when it starts."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from starlette.routing import Mount

from flowforge.local.http_server import BackgroundServer, endpoint_of, listen
from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.tokens import create_token, revoke_token, tokens
from flowforge.model.errors import ConfigFault
from flowforge.model.role import Role
from flowforge.web.application import create_application, guarded
from flowforge.web.services import Services

TOKEN_NAME = "laptop"  # noqa: S105 -- what it is called, not what it is
TOKEN_LASTS = timedelta(days=90)
"""A server that is killed cannot revoke its token; the next one does."""
PORT = 8080
LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class LaptopApi:
    """Where the API answers, and the token of an admin, which is good while it does."""

    url: str
    token: str = field(repr=False)

    @property
    def docs(self) -> str:
        """The address at which a browser begins a session and sees the documentation."""
        return f"{self.url}/api/session?{urlencode({'token': self.token})}"


@contextmanager
def laptop_api(services: Services, port: int | None = None) -> Iterator[LaptopApi]:
    """Serve the API for as long as the block runs, at 8080 or, where that is taken, at any port that is free.

    A port that is stated is that port; 0 stands for any. Raises ConfigFault for one that is taken.
    """
    listener = _listener(port)
    url = endpoint_of(listener)
    hosts = [f"{name}:{listener.getsockname()[1]}" for name in LOOPBACK]
    with services.transaction() as connection:
        for earlier in tokens(connection):
            if (earlier["name"], earlier["created_by"], earlier["revoked_at"]) == (TOKEN_NAME, SYSTEM.name, None):
                revoke_token(connection, SYSTEM, earlier["id"])
        ends = datetime.now(UTC) + TOKEN_LASTS
        token = create_token(connection, SYSTEM, TOKEN_NAME, Role.ADMIN, services.environment, expires_at=ends)
    server = BackgroundServer(
        [Mount("/", guarded(create_application(replace(services, has_sessions=True)), hosts))], _nothing, listener=listener
    )
    try:
        yield LaptopApi(url, token.secret)
    finally:
        server.close()
        with services.transaction() as connection:
            revoke_token(connection, SYSTEM, token.id)


def _listener(port: int | None) -> socket.socket:
    try:
        return listen(PORT if port is None else port)
    except OSError as error:
        if port is None:
            return listen()
        raise ConfigFault(f"port {port} of this machine is taken ({error.strerror}): state another one", option="port") from error


async def _nothing() -> None:
    """Nothing but the server has to end."""
