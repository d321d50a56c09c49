"""Requests that the description of the API allows and forbids: none makes the server fail, each is answered as described."""

import json
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance
from starlette.testclient import TestClient

from flowforge.web.openapi import text
from web_clients import HOST

EXAMPLES = 4
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]
THERE = {"workflow_id": "wf_shop", "job_id": "job_orders"}
few = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def operations() -> list[Any]:
    """The operations of the description, those that remove something last."""
    schema = schemathesis.openapi.from_dict(json.loads(text()))
    found = [operation.ok() for operation in schema.get_all_operations() if isinstance(operation, Ok)]
    return sorted(found, key=lambda operation: (operation.method == "delete" or "purge" in operation.path, operation.label))


def answered(client: TestClient, case: Case[Any]) -> int:
    """The status of the answer, which is as the description says."""
    sent = {name: value for name, value in case.as_transport_kwargs(base_url=f"http://{HOST}").items() if value is not None}
    # The API knows no cookies.
    sent.pop("cookies", None)
    if "data" in sent:
        sent["content"] = sent.pop("data")
    answer = client.request(**sent)
    case.validate_response(answer, checks=CHECKS, headers=dict(client.headers))
    return answer.status_code


def test_no_request_makes_the_server_fail(admin: TestClient) -> None:
    job = {"id": "job_orders", "name": "Orders"}
    assert admin.post("/api/workflows", json={"name": "Shop", "id": "wf_shop", "jobs": [job]}).status_code == 201
    seen = set[int]()
    for operation in operations():
        there = {name: value for name, value in THERE.items() if f"{{{name}}}" in operation.path}
        # Without anything to send there is nothing to send wrongly.
        is_filled = bool(list(operation.query) or list(operation.body))
        for mode in GenerationMode if is_filled else (GenerationMode.POSITIVE,):
            strategy = operation.as_strategy(generation_mode=mode, path_parameters=there or None)

            @few
            @given(case=strategy)
            def ask(case: Case[Any]) -> None:
                seen.add(answered(admin, case))

            ask()
    assert {200, 400, 404} <= seen
