"""The application: its routes, its errors, and what guards them."""

from collections.abc import Collection
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from flowforge.web import problems
from flowforge.web.description import describe
from flowforge.web.routes import (
    access,
    audit,
    data_assets,
    dead_letters,
    definitions,
    description,
    executions,
    health,
    jobs,
    landing_files,
    logs,
    orchestration,
    pages,
    quality,
    quarantine,
    runs,
    uploads,
    validation,
    workflows,
)
from flowforge.web.security import Guard
from flowforge.web.services import Services

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    definitions.router,
    workflows.router,
    jobs.router,
    # Before the executions, of which none is called "performance".
    orchestration.router,
    executions.router,
    logs.router,
    runs.router,
    dead_letters.router,
    uploads.router,
    landing_files.router,
    validation.router,
    data_assets.router,
    quality.router,
    quarantine.router,
    access.router,
    audit.router,
    description.router,
    pages.router,
)
PUBLIC = frozenset({"/api/health", "/api/health/ready"})
"""What anybody may ask."""


class Application(FastAPI):
    """The routes, which describe themselves."""

    def openapi(self) -> dict[str, Any]:
        """The description of the API, which is made once."""
        if self.openapi_schema is None:
            self.openapi_schema = describe(self, PUBLIC)
        return self.openapi_schema


def create_application(services: Services) -> Application:
    """The routes over the services. ``guarded`` puts what holds for every request before them."""
    app = describing_application()
    app.state.services = services
    return app


def describing_application() -> Application:
    """The routes without services: enough to tell what there is."""
    app = Application(
        title="FlowForge",
        version=version("flowforge"),
        description="Workflows of jobs that turn files into Bronze, Silver and Gold datasets.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    return app


def guarded(app: FastAPI, hosts: Collection[str] = ()) -> Guard:
    """The application behind its guard; ``hosts`` are the only names and ports by which a laptop's server may be called."""
    return Guard(app, hosts)


def _operation_id(route: APIRoute) -> str:
    """What clients that are made of the description call a route: ``jobs_read_one``."""
    return f"{route.tags[0]}_{route.name}".replace(" ", "_") if route.tags else route.name
