"""The description of the API, for tools that make clients and forms of it."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from flowforge.web.access import Viewer

router = APIRouter(tags=["description"])


@router.get("/api/openapi.json", response_model=dict[str, object])
def describe_api(request: Request, _caller: Viewer) -> JSONResponse:
    """This description, by OpenAPI 3.1."""
    return JSONResponse(request.app.openapi())
