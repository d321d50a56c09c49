"""The API in its container, asked as the load balancer asks it, over a real PostgreSQL."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from balancer_events import answered, request, sample
from containers.function_container import FunctionContainer
from containers.harness import CREDENTIALS, REGION
from containers.relay import Relay
from databases import Server
from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.tokens import create_token
from flowforge.model.environment import Environment
from flowforge.model.role import Role
from infrastructure.recorded_requests import post_form

pytestmark = pytest.mark.containers

IMAGE = "web:latest"
# As the template has them.
MEMORY_MIB, TIMEOUT_SECONDS = 1769, 29
ANSWERS = {"health": 200, "anonymous": 401, "list": 200, "upload": 201, "upload_base64": 201, "head": 404, "missing": 404}
"""The status of each sample request."""


@pytest.fixture(scope="module")
def token(stored_sample: str, postgres: Server, database_name: str) -> str:
    """The secret of an operator's token; the sample workflow is stored."""
    assert stored_sample
    with postgres.opened(database_name) as database, database.transaction() as connection:
        return create_token(connection, SYSTEM, "containers", Role.OPERATOR, Environment.DEV).secret


@pytest.fixture(scope="module")
def web(relay: Relay, variables: Mapping[str, str]) -> Iterator[FunctionContainer]:
    """The function, loaded once."""
    environment = {**CREDENTIALS, "AWS_DEFAULT_REGION": REGION, "FLOWFORGE_STAGE": "dev", **variables}
    with FunctionContainer(IMAGE, relay.network, environment, MEMORY_MIB, TIMEOUT_SECONDS) as container:
        container.start()
        yield container


def ask(web: FunctionContainer, event: Any) -> Any:
    """What the function answers the load balancer."""
    status, body = web.invoke(json.dumps(event).encode())
    assert status == 200, body
    return json.loads(body)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_sample_request_is_answered(web: FunctionContainer, token: str, name: str) -> None:
    answer = ask(web, sample(name, token))
    assert answer["statusCode"] == ANSWERS[name], answer
    # A target group whose headers have several values takes no other form.
    assert "headers" not in answer
    kinds = answer["multiValueHeaders"]["content-type"]
    assert kinds == ["application/problem+json" if ANSWERS[name] >= 400 else "application/json"]


def test_a_list_shows_what_lies_in_the_database(web: FunctionContainer, token: str, stored_sample: str) -> None:
    assert [item["id"] for item in answered(ask(web, sample("list", token)))["workflows"]] == [stored_sample]


def test_an_upload_is_the_same_whether_its_request_comes_as_text_or_in_base64(web: FunctionContainer, token: str) -> None:
    plain, encoded = (answered(ask(web, sample(name, token))) for name in ("upload", "upload_base64"))
    assert (plain["method"], plain["filepath"]) == ("form", "landing/wf_shop/job_orders/orders-more.csv")
    assert {name: plain[name] for name in ("method", "filepath", "isReadByJob")} == {
        name: encoded[name] for name in ("method", "filepath", "isReadByJob")
    }


def test_a_file_that_landed_is_examined_with_the_readers_of_bronze(web: FunctionContainer, token: str) -> None:
    upload = answered(ask(web, sample("upload", token)))
    post_form(upload["form"], b"order_id,amount\n1,2.50\n2,3\n")
    answer = ask(web, request(token, "POST", f"/api/upload/{upload['uploadId']}/complete"))
    assert answer["statusCode"] == 200, answer
    found = answered(answer)
    assert [(column["name"], column["type"]) for column in found["columns"]] == [("order_id", "integer"), ("amount", "float")]


def test_every_call_finds_the_one_session_of_its_container(
    web: FunctionContainer, token: str, postgres: Server, database_name: str
) -> None:
    for _ in range(5):
        ask(web, sample("list", token))
    assert postgres.sessions(database_name) == 1
