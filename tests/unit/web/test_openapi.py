"""The description of the API that is committed is that of the code."""

import json

from flowforge.local.project import find_project
from flowforge.web.openapi import text

COMMITTED = find_project() / "docs" / "reference" / "openapi.json"


def test_the_committed_description_is_that_of_the_code() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == text(), "make openapi writes it anew"


def test_every_operation_is_named_and_described_and_tells_of_its_problems() -> None:
    document = json.loads(text())
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["description"], operation["operationId"]
        assert "Problem" in json.dumps(operation["responses"]["default"])
    assert "HTTPValidationError" not in json.dumps(document)
