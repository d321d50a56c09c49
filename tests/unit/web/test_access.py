"""Who may ask what."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.testclient import TestClient

from flowforge.metadata.audit import SYSTEM
from flowforge.metadata.database import Database
from flowforge.metadata.tokens import create_token, revoke_token
from flowforge.metadata.users import give_role
from flowforge.model.environment import Environment
from flowforge.model.role import Role
from flowforge.web.application import PUBLIC, create_application, guarded
from flowforge.web.oidc import HEADER, LoadBalancerIdentity
from flowforge.web.services import Services
from web_clients import HOST, As

BALANCER = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/web/1"
LOOKS = {f"/api/validate-csv-{step}" for step in ("basic", "headers", "schema")} | {"/api/workflows/compare"}
"""What is posted there is looked at, and nothing is changed."""
KEY = "12345678-1234-1234-1234-123456789012"


def operations(services: Services) -> list[tuple[str, str]]:
    """Every method and path of the API."""
    paths = create_application(services).openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def ask(client: TestClient, method: str, path: str) -> Any:
    return client.request(
        method, path.replace("{", "x").replace("}", ""), json={} if method in ("POST", "PUT", "PATCH") else None
    )


def test_every_route_but_health_refuses_who_shows_no_token(services: Services, client_as: As) -> None:
    known = operations(services)
    assert len(known) > 20
    anonymous = client_as(None)
    open_to_all = {path for method, path in known if ask(anonymous, method, path).status_code != 401}
    assert open_to_all == PUBLIC
    refused = ask(anonymous, "GET", "/api/workflows")
    assert (refused.headers["WWW-Authenticate"], refused.headers["content-type"]) == (
        'Bearer realm="flowforge"',
        "application/problem+json",
    )


def test_a_viewer_changes_nothing_and_an_operator_gives_no_access(services: Services, client_as: As) -> None:
    viewer, operator = client_as(Role.VIEWER), client_as(Role.OPERATOR)
    refused = {role: set[tuple[str, str]]() for role in (Role.VIEWER, Role.OPERATOR)}
    for method, path in operations(services):
        for role, client in ((Role.VIEWER, viewer), (Role.OPERATOR, operator)):
            if ask(client, method, path).status_code == 403:
                refused[role].add((method, path))
    changing = {(method, path) for method, path in operations(services) if method != "GET" and path not in LOOKS}
    assert changing <= refused[Role.VIEWER]
    assert refused[Role.OPERATOR] == {
        *(("GET", path) for path in ("/api/tokens", "/api/users", "/api/audit")),
        ("POST", "/api/tokens"),
        ("DELETE", "/api/tokens/{token_id}"),
        ("PUT", "/api/users/{sub}"),
        ("DELETE", "/api/users/{sub}"),
        ("POST", "/api/workflows/{workflow_id}/purge"),
    }


def test_a_token_of_another_environment_past_its_end_or_revoked_does_not_count(database: Database, client_as: As) -> None:
    with database.transaction() as connection:
        other = create_token(connection, SYSTEM, "other", Role.ADMIN, Environment.PROD)
        revoked = create_token(connection, SYSTEM, "revoked", Role.ADMIN, Environment.DEV)
        revoke_token(connection, SYSTEM, revoked.id)
    for secret in (other.secret, revoked.secret, "ff_guessed", ""):
        answer = client_as(None).get("/api/me", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 401
        assert secret == "" or secret not in answer.text


def test_a_secret_is_told_once(admin: TestClient) -> None:
    made = admin.post("/api/tokens", json={"name": "ci", "role": "operator"})
    secret = made.json()["token"]
    assert made.status_code == 201
    assert admin.get("/api/me", headers={"Authorization": f"Bearer {secret}"}).json()["role"] == "operator"
    for path in ("/api/tokens", "/api/audit"):
        assert secret not in admin.get(path).text
    assert admin.delete(f"/api/tokens/{made.json()['id']}").json() == {"success": True}
    assert admin.get("/api/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_a_laptop_is_asked_by_its_own_name_and_from_its_own_pages(client_as: As) -> None:
    viewer = client_as(Role.VIEWER)
    assert viewer.get("/api/me").status_code == 200
    assert viewer.get("/api/me", headers={"Origin": f"http://{HOST}"}).status_code == 200
    for headers in ({"Host": "evil.example"}, {"Host": "127.0.0.1:9"}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
        answer = viewer.get("/api/me", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def claims(key: ec.EllipticCurvePrivateKey, *, sub: str = "anna", seconds: int = 60, **header: str) -> dict[str, str]:
    """What the load balancer puts into the header, by its documentation."""
    body = {"sub": sub, "exp": datetime.now(UTC) + timedelta(seconds=seconds), "email": "anna@shop.example"}
    told = {"kid": KEY, "signer": BALANCER, **header}
    return {HEADER: jwt.encode(body, key, algorithm="ES256", headers=told)}


@pytest.fixture
def behind_balancer(services: Services, key: ec.EllipticCurvePrivateKey) -> TestClient:
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    identity = LoadBalancerIdentity(BALANCER, {KEY: pem}.__getitem__)
    app = guarded(create_application(replace(services, identity=identity, first_admin="root")))
    return TestClient(app, raise_server_exceptions=False)


def test_who_signed_in_has_the_role_that_the_database_gives(
    behind_balancer: TestClient, database: Database, key: ec.EllipticCurvePrivateKey
) -> None:
    assert behind_balancer.get("/api/me", headers=claims(key)).status_code == 403
    with database.transaction() as connection:
        give_role(connection, SYSTEM, "anna", Role.OPERATOR)
    assert behind_balancer.get("/api/me", headers=claims(key)).json() == {
        "kind": "user",
        "name": "anna",
        "role": "operator",
        "environment": "dev",
    }


def test_the_first_admin_is_one_until_there_is_another(behind_balancer: TestClient, key: ec.EllipticCurvePrivateKey) -> None:
    root = claims(key, sub="root")
    assert behind_balancer.put("/api/users/anna", headers=root, json={"role": "admin"}).status_code == 200
    assert behind_balancer.get("/api/users", headers=root).status_code == 403
    [anna] = behind_balancer.get("/api/users", headers=claims(key)).json()
    assert (anna["sub"], anna["role"]) == ("anna", "admin")


def test_claims_that_are_forged_old_or_of_another_load_balancer_do_not_count(
    behind_balancer: TestClient, key: ec.EllipticCurvePrivateKey
) -> None:
    forged = claims(ec.generate_private_key(ec.SECP256R1()))
    unsigned = {
        HEADER: jwt.encode({"sub": "root", "exp": 9999999999}, "", algorithm="none", headers={"signer": BALANCER, "kid": KEY})
    }
    hashed = {
        HEADER: jwt.encode(
            {"sub": "root", "exp": 9999999999}, "k" * 32, algorithm="HS256", headers={"signer": BALANCER, "kid": KEY}
        )
    }
    wrong = (
        forged,
        unsigned,
        hashed,
        claims(key, seconds=-10),
        claims(key, signer=BALANCER + "2"),
        claims(key, kid="../../elsewhere"),
        {HEADER: "no token"},
    )
    for headers in wrong:
        assert behind_balancer.get("/api/me", headers=headers).status_code == 401, json.dumps(headers)
