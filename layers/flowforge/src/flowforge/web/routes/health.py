"""Whether the server lives, and whether it can work: the only routes that anybody may ask."""

from fastapi import APIRouter
from sqlalchemy import select

from flowforge.model.base import Document
from flowforge.web.services import Used

router = APIRouter(tags=["health"])


class Health(Document):
    """It is well."""

    status: str = "ok"


@router.get("/api/health")
def live() -> Health:
    """The server answers."""
    return Health()


@router.get("/api/health/ready")
def ready(services: Used) -> Health:
    """The server reaches its database; 503 where it does not."""
    with services.transaction() as connection:
        connection.execute(select(1))
    return Health()
