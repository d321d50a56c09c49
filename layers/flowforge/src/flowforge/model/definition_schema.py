"""The JSON Schema of a workflow's definition (https://json-schema.org/draft/2020-12), for editors, made from the models.

It says what a file may hold, field by field. What fields ask of each other only the product knows.
"""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from flowforge.model.workflow import Workflow
from flowforge.model.workflow_definition import WorkflowDefinition

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"
FOUND_BY_SLUG = ("id", "slug")
"""What a job may leave out: the slug follows from the name, and the id from the slug."""


class _WithoutTitles(GenerateJsonSchema):
    """An editor shows a field's name; a title that only repeats it would hide the description."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 -- whatever the field
        """Give no field a title."""
        return False


def definition_schema() -> dict[str, Any]:
    """The schema: the definition's own fields, and the jobs and triggers as they are read."""
    schema = WorkflowDefinition.model_json_schema(by_alias=True, schema_generator=_WithoutTitles)
    of_workflow = Workflow.model_json_schema(by_alias=True, schema_generator=_WithoutTitles)
    for name in ("jobs", "triggers"):
        schema["properties"][name] = {key: value for key, value in of_workflow["properties"][name].items() if key != "minItems"}
    schema["$defs"] = {**schema.get("$defs", {}), **of_workflow["$defs"]}
    job = schema["$defs"]["Job"]
    job["required"] = [name for name in job["required"] if name not in FOUND_BY_SLUG]
    plain: dict[str, Any] = _without_large_defaults(schema)
    return {"$schema": SCHEMA_ID, **plain, "title": "A workflow of FlowForge"}


def schema_text() -> str:
    """The document as the file has it."""
    return json.dumps(definition_schema(), indent=2, sort_keys=True) + "\n"


def _without_large_defaults(value: Any) -> Any:
    """The schema without the defaults of whole configurations, which repeat those of their fields."""
    if isinstance(value, list):
        return [_without_large_defaults(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without_large_defaults(item) for name, item in value.items() if not (name == "default" and isinstance(item, dict))
    }
