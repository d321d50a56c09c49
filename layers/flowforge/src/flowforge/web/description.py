"""The description of the API by OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0), kept in docs/reference/openapi.json."""

from collections.abc import Collection
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from flowforge.web.problems import MEDIA_TYPE

INVALID = "422"
"""What the framework says of requests that are not valid; ours is one of the problems."""
FRAMEWORK_SCHEMAS = ("HTTPValidationError", "ValidationError")
PROBLEM: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457). Its status is that of the answer.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "requestId", "error"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What happened, and what to do."},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "requestId": {"type": "string", "description": "Under it the log tells of this request."},
        "error": {"type": "string", "description": "The detail again, for older clients."},
        "kind": {"type": "string", "description": "What to do about it, by docs/reference/errors.md."},
        "field": {"type": "string"},
        "file": {"type": "string"},
        "row": {"type": "integer"},
        "column": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Each part of the request that is not valid.",
            "items": {
                "type": "object",
                "required": ["in", "field", "message"],
                "properties": {name: {"type": "string"} for name in ("in", "field", "message")},
            },
        },
    },
}


def describe(app: FastAPI, public: Collection[str]) -> dict[str, Any]:
    """Everything that the application answers; all paths but the public ones want a token."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in FRAMEWORK_SCHEMAS:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components["responses"] = {"Problem": {"description": "It was not done, and this is why.", "content": content}}
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"].pop(INVALID, None)
            operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
            if path in public:
                operation["security"] = []
    return document
