"""The API as a laptop serves it."""

import re
import socket

import httpx2
import pytest
from starlette.testclient import TestClient

from flowforge.model.errors import ConfigFault
from flowforge.web.laptop import laptop_api
from flowforge.web.services import Services


def test_the_api_answers_whoever_has_its_token_until_it_ends(services: Services) -> None:
    with laptop_api(services, 0) as api, httpx2.Client(base_url=api.url) as client:
        known = {"Authorization": f"Bearer {api.token}"}
        assert client.get("/api/health/ready").json() == {"status": "ok"}
        assert client.get("/api/me").status_code == 401
        assert client.get("/api/me", headers=known).json()["role"] == "admin"
        made = client.post("/api/workflows", headers=known, json={"name": "Shop"})
        assert made.status_code == 201
        assert client.get(made.headers["Location"], headers=known).json()["name"] == "Shop"
        assert client.get("/api/nowhere", headers=known).headers["content-type"] == "application/problem+json"
        strange = client.get("/api/me", headers={**known, "Host": "shop.example"})
        assert strange.status_code == 403
        assert api.token not in repr(api)
    with laptop_api(services, 0) as again, httpx2.Client(base_url=again.url) as client:
        assert client.get("/api/me", headers=known).status_code == 401


def test_a_port_that_is_taken_is_told(services: Services) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigFault, match=f"port {port} of this machine is taken"), laptop_api(services, port):
            pass


def test_a_browser_begins_a_session_and_sees_the_documentation(services: Services) -> None:
    with laptop_api(services, 0) as api, httpx2.Client(base_url=api.url) as browser:
        assert browser.get("/api/docs").status_code == 401
        assert browser.get("/api/session").status_code == 401
        begun = browser.get(api.docs)
        assert (begun.status_code, begun.headers["location"]) == (303, "/api/docs")
        cookie = begun.headers["set-cookie"]
        assert [word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/api")] == [True, True, True]
        page = browser.get("/api/docs")
        assert (page.status_code, "default-src 'none'" in page.headers["content-security-policy"]) == (200, True)
        sources = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
        assert len(sources) == 3
        assert {browser.get(source).status_code for source in [*sources, "/api/openapi.json"]} == {200}
        for elsewhere in ("//shop.example", "/\\shop.example", "https://shop.example"):
            assert browser.get("/api/session", params={"token": api.token, "to": elsewhere}).status_code == 400


def test_where_people_sign_in_nobody_begins_a_session(admin: TestClient) -> None:
    assert admin.get("/api/session", params={"token": "ff_x"}).status_code == 404
    secret = admin.headers["Authorization"].removeprefix("Bearer ")
    by_cookie = TestClient(admin.app, base_url=str(admin.base_url), cookies={"flowforge_session": secret})
    assert by_cookie.get("/api/me").status_code == 401


def test_a_server_ends_the_token_of_one_that_was_killed(services: Services) -> None:
    with laptop_api(services, 0) as killed, laptop_api(services, 0) as api, httpx2.Client(base_url=api.url) as client:
        for token, status in ((killed.token, 401), (api.token, 200)):
            assert client.get("/api/me", headers={"Authorization": f"Bearer {token}"}).status_code == status
