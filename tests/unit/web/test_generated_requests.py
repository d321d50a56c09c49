"""The API does what its description says, whatever it is asked."""

import os
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from flowforge.model.role import Role
from flowforge.web.application import PUBLIC, create_application
from flowforge.web.services import Services
from web_clients import HOST, As

EXAMPLES = int(os.environ.get("FLOWFORGE_API_EXAMPLES", "2"))
"""How many requests of each kind every route gets; by hand, more of them find more."""
KNOWN = {"workflow_id": "wf_shop", "job_id": "job_orders"}
CHECKS = [schemathesis.checks.not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_the_api_tells_its_description_to_who_has_a_token(client_as: As) -> None:
    document = client_as(Role.VIEWER).get("/api/openapi.json").json()
    operations = {(path, method): told for path, methods in document["paths"].items() for method, told in methods.items()}
    assert document["security"] == [{"token": []}]
    assert {path for (path, _), told in operations.items() if told.get("security") == []} == PUBLIC
    assert all(told["responses"]["default"]["$ref"].endswith("/Problem") for told in operations.values())
    assert len({told["operationId"] for told in operations.values()}) == len(operations)


def test_no_request_makes_the_server_fail(services: Services, admin: TestClient) -> None:
    job = {"id": KNOWN["job_id"], "name": "Orders"}
    assert admin.post("/api/workflows", json={"name": "Shop", "id": KNOWN["workflow_id"], "jobs": [job]}).status_code == 201
    app = create_application(services)
    document = app.openapi()
    # It would spend half of the requests on other tokens, which test_access.py looks at.
    del document["components"]["securitySchemes"], document["security"]
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    results: Any = schema.get_all_operations()
    found = [result.ok() for result in results]
    answered = set[int]()
    # What deletes comes last, so that all others find something.
    for operation in sorted(found, key=lambda each: each.method == "delete" or each.path.endswith("/purge")):
        answered |= asked(operation, admin)
    assert {200, 201, 400, 404, 412, 428} <= answered


def asked(operation: Any, admin: TestClient) -> set[int]:
    """What a route answers to requests that fit the description, for a workflow that is there, and to some that do not."""
    answered = set[int]()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        mode = data.draw(st.sampled_from(schemathesis.GenerationMode))
        case: Any = data.draw(operation.as_strategy(generation_mode=mode))
        headers = {"Authorization": admin.headers["Authorization"]}
        if mode is schemathesis.GenerationMode.POSITIVE and "workflow_id" in (case.path_parameters or {}):
            case.path_parameters |= {name: value for name, value in KNOWN.items() if name in case.path_parameters}
            seen = admin.get(f"/api/workflows/{KNOWN['workflow_id']}")
            headers |= {"If-Match": seen.headers["ETag"]} if seen.status_code == 200 else {}
        answered.add(case.call_and_validate(base_url=f"http://{HOST}", headers=headers, checks=CHECKS).status_code)

    ask()
    return answered
