"""The command line against the real application, served over HTTP on a database of the test's own."""

from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from flowforge.cli.main import app
from flowforge.web.laptop import LaptopApi, laptop_api
from flowforge.web.services import Services
from unit.web import conftest as web

Flowforge = Callable[..., Result]


runs, door, services = web.runs, web.door, web.services
"""The application, and the queue and the machine behind it, are those of its own tests."""


@pytest.fixture
def served(services: Services) -> Iterator[LaptopApi]:
    with laptop_api(services, 0) as api:
        yield api


@pytest.fixture
def flowforge(served: LaptopApi, monkeypatch: pytest.MonkeyPatch) -> Flowforge:
    """Run a command, as if in a shell that has the API's address and its token."""
    monkeypatch.setenv("FLOWFORGE_API", served.url)
    monkeypatch.setenv("FLOWFORGE_TOKEN", served.token)
    # Set where tests run side by side; a pipe has no width.
    monkeypatch.delenv("COLUMNS", raising=False)
    # A proxy that does not answer: this machine is reached without it.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    def run(*arguments: str, given: str = "") -> Result:
        return CliRunner().invoke(app, list(arguments), input=given, catch_exceptions=False)

    return run
