"""The application: its routes, its errors, and what guards them."""

from collections.abc import Collection
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from flowforge.web import problems
from flowforge.web.routes import access, audit, executions, health, jobs, workflows
from flowforge.web.security import Guard
from flowforge.web.services import Services

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    workflows.router,
    jobs.router,
    executions.router,
    access.router,
    audit.router,
)
PUBLIC = frozenset({"/api/health", "/api/health/ready"})
"""What anybody may ask."""


def create_application(services: Services) -> FastAPI:
    """The routes over the services. ``guarded`` puts what holds for every request before them."""
    app = describing_application()
    app.state.services = services
    return app


def describing_application() -> FastAPI:
    """The routes without services: enough to tell what there is."""
    app = FastAPI(
        title="FlowForge",
        version=version("flowforge"),
        description="Workflows of jobs that turn files into Bronze, Silver and Gold datasets.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    return app


def guarded(app: FastAPI, hosts: Collection[str] = ()) -> ASGIApp:
    """The application behind its guard; ``hosts`` are the only names and ports by which a laptop's server may be called."""
    return Guard(app, hosts)
