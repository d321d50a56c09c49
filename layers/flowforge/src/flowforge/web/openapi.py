"""The description of the API for programs, as it is committed: ``python -m flowforge.web.openapi FILE`` writes it."""

import json
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from flowforge.web.application import PUBLIC, describing_application

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "error", "requestId"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "requestId": {"type": "string"},
        "error": {"type": "string", "description": "The detail again, for clients of FlowForge."},
        "kind": {"type": "string", "description": "The class of the error, as the steps have it."},
        "field": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: every operation with its problem documents, and with a token where it needs one."""
    document = app.openapi()
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    # FastAPI describes its own form of validation errors, which never leaves this application.
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    problem = {
        "description": "A problem document (RFC 9457)",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = problem
            if path not in PUBLIC:
                operation["security"] = [{"token": []}]
    return dict(document)


def text() -> str:
    """The document as the file has it."""
    return json.dumps(description(describing_application()), indent=2, sort_keys=True) + "\n"


def main() -> None:
    """Write the document to the file that the argument names."""
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
