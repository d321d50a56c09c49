"""The documentation as a page, for whoever is known; and the session by which a browser on a laptop is known.

The page tries requests out as the person who looks at it. Everything that it needs is served from here.
"""

from importlib.resources import files
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from flowforge.metadata.refusals import NotThere
from flowforge.web.access import SESSION_COOKIE, Unauthenticated, Viewer
from flowforge.web.services import Used

router = APIRouter(include_in_schema=False)
DOCS = "/api/docs"
DESCRIPTION = "/api/openapi.json"
# The page's own script stands in the page; nothing comes from, or goes to, another place.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
Asset = Literal["swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"]


@router.get(DOCS)
def docs(_caller: Viewer) -> HTMLResponse:
    """The page."""
    page = get_swagger_ui_html(
        openapi_url=DESCRIPTION,
        title="FlowForge: the API",
        swagger_js_url=f"{DOCS}/swagger-ui-bundle.js",
        swagger_css_url=f"{DOCS}/swagger-ui.css",
        swagger_favicon_url=f"{DOCS}/favicon.png",
    )
    page.headers["Content-Security-Policy"] = POLICY
    return page


@router.get(DOCS + "/{asset}")
def asset_of_docs(_caller: Viewer, asset: Asset) -> FileResponse:
    """What the page is made of."""
    return FileResponse(str(files("fastapi_offline") / "static" / asset))


@router.get("/api/session")
def begin_session(services: Used, token: str = "", to: Annotated[str, Query(pattern="^/[^/\\\\]")] = DOCS) -> RedirectResponse:
    """Let a browser on this machine show a token from now on, and go on to a page.

    The address with the token is printed where the server is started. The cookie is sent by our own pages alone, and no script
    can read it.
    """
    if not services.has_sessions:
        raise NotThere("nobody begins a session here: people come through the load balancer")
    if not token:
        raise Unauthenticated("this needs a token: /api/session?token=…")
    answer = RedirectResponse(to, status_code=303)
    answer.set_cookie(SESSION_COOKIE, token, httponly=True, samesite="strict", path="/api")
    return answer
