"""The API as a function behind a load balancer."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.database import Database
from flowforge.metadata.tokens import create_token
from flowforge.model.environment import Environment
from flowforge.model.errors import ConfigFault
from flowforge.model.role import Role
from flowforge.web.deployment import Deployment, correlation_of, function_of
from flowforge.web.services import Services

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"


@pytest.fixture(autouse=True)
def loop_of_the_function() -> Iterator[None]:
    """A loop of the test's own: the adapter makes one where there is none, for as long as a function's process lives."""
    with closing(asyncio.new_event_loop()) as loop:
        asyncio.set_event_loop(loop)
        yield
        asyncio.set_event_loop(None)


def event(method: str, path: str, body: str = "", *, several: bool = False, **headers: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#receive-event-from-load-balancer"""
    sent = {
        "host": "flowforge.example.com",
        "x-amzn-trace-id": "Root=1-5bdb40ca-556d8b0c50dc66f0511bf520",
        "x-forwarded-for": "72.12.164.125",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
        **headers,
    }
    told = {"multiValueHeaders": {name: [value] for name, value in sent.items()}} if several else {"headers": sent}
    query: dict[str, Any] = {"multiValueQueryStringParameters": {}} if several else {"queryStringParameters": {}}
    balancer = {
        "elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/6d0ecf831eec9f09"}
    }
    return {
        "requestContext": balancer,
        "httpMethod": method,
        "path": path,
        **told,
        **query,
        "body": body,
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("several", [False, True])
def test_an_event_of_a_load_balancer_is_answered(services: Services, database: Database, several: bool) -> None:
    with database.transaction() as connection:
        secret = create_token(connection, SYSTEM, "ci", Role.OPERATOR, Environment.DEV).secret
    handle, context = function_of(services), SimpleNamespace()
    known = {"authorization": f"Bearer {secret}", "content-type": "application/json"}

    def asked(*request: str, **headers: str) -> tuple[int, Any]:
        answer = handle(event(*request, several=several, **headers), context)
        return answer["statusCode"], json.loads(answer["body"])

    assert asked("GET", "/api/health") == (200, {"status": "ok"})
    assert asked("GET", "/api/workflows")[0] == 401
    status, made = asked("POST", "/api/workflows", '{"name": "Shop"}', **known)
    assert (status, made["slug"]) == (201, "shop")
    status, told = asked("GET", "/api/workflows", **known)
    assert (status, [item["id"] for item in told["workflows"]]) == (200, [made["id"]])


def test_the_environment_of_the_function_says_what_the_deployment_is(services: Services) -> None:
    variables = {"FLOWFORGE_STAGE": "qa", "FLOWFORGE_LOAD_BALANCER_ARN": ARN, "FLOWFORGE_FIRST_ADMIN": "anna", "PATH": "/bin"}
    found = Deployment.from_environment(variables).services(services.database, services.lake, services.door)
    assert (found.environment, found.first_admin, found.identity is None) == (Environment.QA, "anna", False)
    alone = Deployment.from_environment({"FLOWFORGE_STAGE": "dev", "FLOWFORGE_LOAD_BALANCER_ARN": ""})
    assert alone.services(services.database, services.lake, services.door).identity is None


@pytest.mark.parametrize(
    ("variables", "wrong"),
    [
        ({}, "FLOWFORGE_STAGE"),
        ({"FLOWFORGE_STAGE": "mars"}, "FLOWFORGE_STAGE"),
        ({"FLOWFORGE_STAGE": "dev", "FLOWFORGE_LOAD_BALANCER_ARN": "web"}, "FLOWFORGE_LOAD_BALANCER_ARN"),
    ],
)
def test_a_variable_that_is_wrong_is_named(variables: dict[str, str], wrong: str) -> None:
    with pytest.raises(ConfigFault, match=wrong) as raised:
        Deployment.from_environment(variables)
    assert raised.value.option == wrong


def test_log_lines_are_found_by_the_id_of_the_request() -> None:
    assert correlation_of({"headers": {"X-Correlation-Id": "req-7", "x-amzn-trace-id": "Root=1"}}) == "req-7"
    assert correlation_of(event("GET", "/", several=True)) == "Root=1-5bdb40ca-556d8b0c50dc66f0511bf520"
    assert correlation_of({}) is None
