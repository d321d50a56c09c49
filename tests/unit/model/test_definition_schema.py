"""The JSON Schema of a definition, as it is committed for editors. The tests of refused options hold every option to it."""

import yaml
from jsonschema import Draft202012Validator

from flowforge.local.project import find_project
from flowforge.model.definition_schema import definition_schema, schema_text

COMMITTED = find_project() / "docs" / "reference" / "workflow.schema.json"
SAMPLE = find_project() / "examples" / "shop" / "workflow.yaml"


def test_the_committed_schema_is_that_of_the_code() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == schema_text(), "make schema writes it anew"


def test_the_schema_takes_the_sample_and_marks_a_wrong_field_in_it() -> None:
    editor = Draft202012Validator(definition_schema())
    Draft202012Validator.check_schema(definition_schema())
    sample = yaml.safe_load(SAMPLE.read_text())
    assert list(editor.iter_errors(sample)) == []
    assert list(editor.iter_errors({"name": "A", "owner": "anna", "paused": True, "jobs": [{"name": "Orders"}]})) == []
    sample["jobs"][0]["order"] = "first"
    [problem] = editor.iter_errors(sample)
    assert list(problem.path) == ["jobs", 0, "order"]
