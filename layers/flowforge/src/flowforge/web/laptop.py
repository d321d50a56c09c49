"""The API on a laptop: on 127.0.0.1 alone, for whoever has the token that it makes when it starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from starlette.routing import Mount

from flowforge.local.http_server import BackgroundServer, endpoint_of, listen
from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.tokens import create_token, revoke_token
from flowforge.model.errors import ConfigFault
from flowforge.model.role import Role
from flowforge.web.application import create_application, guarded
from flowforge.web.services import Services

TOKEN_NAME = "laptop"  # noqa: S105 -- what it is called, not what it is
TOKEN_LASTS = timedelta(days=7)
"""A server that is killed cannot revoke its token."""
LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class LaptopApi:
    """Where the API answers, and the token of an admin, which is good while it does."""

    url: str
    token: str = field(repr=False)


@contextmanager
def laptop_api(services: Services, port: int) -> Iterator[LaptopApi]:
    """Serve the API for as long as the block runs; port 0 stands for any that is free. Raises ConfigFault for one that is not."""
    try:
        listener = listen(port)
    except OSError as error:
        raise ConfigFault(f"port {port} of this machine is taken ({error.strerror}): state another one", option="port") from error
    url = endpoint_of(listener)
    hosts = [f"{name}:{listener.getsockname()[1]}" for name in LOOPBACK]
    with services.transaction() as connection:
        ends = datetime.now(UTC) + TOKEN_LASTS
        token = create_token(connection, SYSTEM, TOKEN_NAME, Role.ADMIN, services.environment, expires_at=ends)
    server = BackgroundServer([Mount("/", guarded(create_application(services), hosts))], _nothing, listener=listener)
    try:
        yield LaptopApi(url, token.secret)
    finally:
        server.close()
        with services.transaction() as connection:
            revoke_token(connection, SYSTEM, token.id)


async def _nothing() -> None:
    """Nothing but the server has to end."""
