"""The API over a database of the test's own, and clients in each role."""

import pytest
from starlette.testclient import TestClient

from flowforge.lake.lake import Lake
from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.database import Database
from flowforge.metadata.tokens import create_token
from flowforge.model.environment import Environment
from flowforge.model.role import Role
from flowforge.web.application import create_application, guarded
from flowforge.web.services import Services
from web_clients import HOST, As


@pytest.fixture
def services(database: Database, lake: Lake) -> Services:
    return Services(database, Environment.DEV, lake)


@pytest.fixture
def client_as(services: Services) -> As:
    """A client that shows a token of a role, or none."""
    app = guarded(create_application(services), [HOST])
    with services.transaction() as connection:
        secrets = {role: create_token(connection, SYSTEM, role.value, role, Environment.DEV).secret for role in Role}

    def made(role: Role | None) -> TestClient:
        headers = {"Authorization": f"Bearer {secrets[role]}"} if role else {}
        return TestClient(app, base_url=f"http://{HOST}", headers=headers, raise_server_exceptions=False)

    return made


@pytest.fixture
def admin(client_as: As) -> TestClient:
    return client_as(Role.ADMIN)
