"""The API over a database of the test's own, and clients in each role."""

import uuid
from collections.abc import Iterator

import boto3
import pytest
from starlette.testclient import TestClient

from flowforge.lake.lake import Lake
from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.database import Database
from flowforge.metadata.tokens import create_token
from flowforge.model.environment import Environment
from flowforge.model.role import Role
from flowforge.orchestration.dead_letters import DeadLetters
from flowforge.orchestration.run_door import RunDoor
from flowforge.orchestration.start_queue import StartQueue
from flowforge.orchestration.starting import Starter
from flowforge.web.application import create_application, guarded
from flowforge.web.services import Services
from machines import Executions
from web_clients import HOST, As


@pytest.fixture
def runs() -> Executions:
    """The executions of the state machine, which runs nothing by itself."""
    return Executions()


@pytest.fixture
def door(database: Database, runs: Executions, s3_url: str, aws: boto3.session.Session) -> Iterator[RunDoor]:
    sqs = aws.client("sqs", endpoint_url=s3_url)
    queue, dead = (sqs.create_queue(QueueName=f"{name}-{uuid.uuid4()}")["QueueUrl"] for name in ("wishes", "dead"))
    yield RunDoor(StartQueue(queue, sqs), Starter(database, runs.machine()), DeadLetters(dead, sqs))
    for url in (queue, dead):
        sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def services(database: Database, lake: Lake, door: RunDoor) -> Services:
    return Services(database, Environment.DEV, lake, door)


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
