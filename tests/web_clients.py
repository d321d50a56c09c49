"""What tests of the API share: the name of its server, and clients by role."""

from collections.abc import Callable

from starlette.testclient import TestClient

from flowforge.model.role import Role

HOST = "127.0.0.1:8080"
As = Callable[[Role | None], TestClient]
