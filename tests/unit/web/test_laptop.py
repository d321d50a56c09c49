"""The API as a laptop serves it."""

import socket

import httpx2
import pytest

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
