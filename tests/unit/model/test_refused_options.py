"""Options that are known and not done are refused with the reason; docs/reference/options.md says so of each, line by line."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from flowforge.model.definition_schema import definition_schema
from flowforge.model.errors import ConfigFault
from flowforge.model.refused_options import OPTIONS, VALUES
from flowforge.model.workflow import read_workflow

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "options.md"
ROW = re.compile(r"\| `(?P<option>[^`]+)` \| `(?P<example>.+?)` \| (?P<here>yes|alias of|refused:)(?P<rest>.*) \|")
GOLD = "destinationConfig.goldConfig"
PERIODS = {"aggregationEnabled": True, "aggregationTimeColumn": "ordered_on", "aggregationTimeGrain": "day"}
FIRST = {"aggregationEnabled": True, "aggregates": {"a": "first(x)"}}
SQL = {"sql": "SELECT * FROM orders", "tables": {"orders": "shop/orders"}}
MAPPING = "transformationConfig.columnMappings[]"
TRANSFORMATION = f"{MAPPING}.transformations[]"
RULE = "validationConfig.dataQualityRules[]"
# What an option cannot be without.
COMPANY: dict[str, dict[str, Any]] = {
    "type=gold-analytics": {GOLD: SQL},
    f"{GOLD}.sql": {"type": "gold-analytics", GOLD: SQL},
    f"{GOLD}.tables": {"type": "gold-analytics", GOLD: SQL},
    f"{GOLD}.aggregationEnabled": {GOLD: {"aggregationGroupBy": ["a"]}},
    f"{GOLD}.aggregationGroupBy": {GOLD: {"aggregationEnabled": True}},
    f"{GOLD}.aggregates": {GOLD: {"aggregationEnabled": True}},
    f"{GOLD}.aggregationTimeGrain": {GOLD: PERIODS},
    f"{GOLD}.aggregationTimeColumn": {GOLD: PERIODS},
    f"{GOLD}.aggregationTimeZone": {GOLD: PERIODS},
    f"{GOLD}.aggregationOrderBy": {GOLD: FIRST},
    f"{GOLD}.buildStrategy=incremental": {
        GOLD: {"aggregationEnabled": True, "aggregationGroupBy": ["a"]},
        "destinationConfig.silverConfig": {"mergeStrategy": "append"},
    },
    "destinationConfig.silverConfig.enabled": {GOLD: {"enabled": False}},
    "destinationConfig.silverConfig.mergeStrategy=scd_type_2": {"destinationConfig.silverConfig": {"primaryKey": "id"}},
    "destinationConfig.silverConfig.updateStrategy=update_changed": {
        "destinationConfig.silverConfig": {"primaryKey": "id", "mergeStrategy": "merge"}
    },
    "destinationConfig.silverConfig.conflictResolution": {
        "destinationConfig.silverConfig": {"primaryKey": "id", "mergeStrategy": "merge"}
    },
    **{
        f"destinationConfig.silverConfig.{option}": {
            "destinationConfig.silverConfig": {"primaryKey": "id", "mergeStrategy": "scd_type_2"}
        }
        for option in ("scdNaturalKey", "scdEffectiveDateColumn", "scdEndDateColumn", "scdCurrentFlagColumn", "scdTrackDeletes")
    },
    "destinationConfig.silverConfig.mergeStrategy=merge": {"destinationConfig.silverConfig": {"primaryKey": "id"}},
    "transformationConfig.columnMappings[].targetColumn": {"transformationConfig.columnMappings[]": {"sourceColumn": "a"}},
    "transformationConfig.columnMappings[].dataType": {"transformationConfig.columnMappings[]": {"sourceColumn": "a"}},
    "transformationConfig.columnMappings[].format": {
        "transformationConfig.columnMappings[]": {"sourceColumn": "a", "dataType": "date"}
    },
    "transformationConfig.columnMappings[].thousandsSeparator": {
        "transformationConfig.columnMappings[]": {"sourceColumn": "a", "dataType": "integer"}
    },
    f"{TRANSFORMATION}.type": {MAPPING: {"sourceColumn": "a"}},
    f"{TRANSFORMATION}.type=replace": {MAPPING: {"sourceColumn": "a"}, TRANSFORMATION: {"parameters": {"search": "a"}}},
    f"{TRANSFORMATION}.type=substring": {MAPPING: {"sourceColumn": "a"}, TRANSFORMATION: {"parameters": {"start": 1}}},
    f"{TRANSFORMATION}.type=format": {
        MAPPING: {"sourceColumn": "a", "dataType": "integer"},
        TRANSFORMATION: {"parameters": {"decimals": 2}},
    },
    f"{TRANSFORMATION}.parameters": {MAPPING: {"sourceColumn": "a"}, TRANSFORMATION: {"type": "phone_format"}},
    "transformationConfig.filters[].": {"transformationConfig.filters[]": {"column": "a", "value": "1"}},
    "transformationConfig.filters[].operator=in": {"transformationConfig.filters[]": {"column": "a", "value": ["1"]}},
    "transformationConfig.filters[].operator=not_null": {"transformationConfig.filters[]": {"column": "a"}},
    f"{RULE}.": {RULE: {"column": "a", "ruleType": "not_null"}},
    f"{RULE}.nullIs": {RULE: {"column": "a", "ruleType": "range", "parameters": {"min": 0}}},
    f"{RULE}.parameters": {RULE: {"column": "a", "ruleType": "range"}},
    **{
        f"{RULE}.ruleType={rule_type}": {RULE: {"column": "a", "parameters": parameters}}
        for rule_type, parameters in (
            ("range", {"min": 0}),
            ("length", {"max": 3}),
            ("pattern", {"pattern": "^a"}),
            ("enum", {"values": ["a"]}),
            ("referential", {"table": "orders", "column": "id"}),
            ("expression", {"expression": "b > 0"}),
            ("custom", {"expression": "b > 0"}),
        )
    },
    "validationConfig.reconciliationRules[].": {"validationConfig.reconciliationRules[]": {"name": "r"}},
    "validationConfig.reconciliationRules[].targetColumn": {
        "validationConfig.reconciliationRules[]": {"name": "r", "reconciliationColumn": "amount"},
    },
}


def rows() -> Iterator[tuple[str, Any, str, str]]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            found = ROW.fullmatch(line)
            assert found, f"not of the table's form: {line}"
            yield found["option"], json.loads(found["example"]), found["here"], found["rest"].strip()


def put(job: dict[str, Any], path: str, value: Any) -> None:
    """Set a value in a job; ``[]`` is the first item of a list. A mapping is laid over the one that is there."""
    *folders, last = path.split(".")
    at = job
    for folder in folders:
        inner: Any = at.setdefault(folder.removesuffix("[]"), [{}] if folder.endswith("[]") else {})
        at = inner[0] if folder.endswith("[]") else inner
    if last.endswith("[]"):
        at[last.removesuffix("[]")] = [copy.deepcopy(value)]
    elif isinstance(value, dict) and isinstance(at.get(last), dict):
        at[last] |= value
    else:
        at[last] = copy.deepcopy(value)


def workflow_with(option: str, value: object) -> dict[str, Any]:
    other = {"id": "job_other", "name": "Orders"}
    job: dict[str, Any] = {"id": "job_a", "name": "A", "order": 2}
    of_its_list = option.rpartition("[].")[0] + "[]."
    company = COMPANY.get(f"{option}={value}") or COMPANY.get(option) or COMPANY.get(of_its_list) or {}
    for path, fields in company.items():
        put(job, path, fields)
    put(job, option, value)
    return {"id": "wf_shop", "name": "Shop", "jobs": [other, job]}


@pytest.mark.parametrize(("option", "example", "here", "rest"), list(rows()))
def test_the_page_says_of_each_option_what_the_product_does(option: str, example: Any, here: str, rest: str) -> None:
    definition = workflow_with(option, example)
    if here != "refused:":
        assert read_workflow(definition, origin="the page").jobs[1]
        return
    with pytest.raises(ConfigFault) as caught:
        read_workflow(definition, origin="the page")
    assert f": {rest}" in str(caught.value)
    assert str(caught.value.option).replace("[0]", "[]") == f"jobs[1].{option}"


@pytest.fixture(scope="module")
def editor() -> Draft202012Validator:
    return Draft202012Validator(definition_schema())


@pytest.mark.parametrize(("option", "example", "here", "rest"), list(rows()))
def test_an_editor_marks_what_is_refused_and_nothing_else(
    option: str, example: Any, here: str, rest: str, editor: Draft202012Validator
) -> None:
    problems = [problem.message for problem in editor.iter_errors(workflow_with(option, example))]
    assert bool(problems) is (here == "refused:"), (problems, rest)


def test_the_page_has_a_line_for_everything_that_is_refused_with_a_reason() -> None:
    listed = {(option.replace("[]", ""), str(example)) for option, example, here, _ in rows() if here == "refused:"}
    assert {option for option, _ in listed} == {*OPTIONS, *VALUES}
    values = {(option, value) for option, reasons in VALUES.items() for value in reasons}
    assert values <= listed


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option, refusal in OPTIONS.items() for value in (None, "", *refusal.harmless)]
)
def test_a_value_that_changes_nothing_does_no_harm(option: str, value: object) -> None:
    assert read_workflow(workflow_with(option, value), origin="the test").jobs[1]


def test_false_is_not_zero() -> None:
    with pytest.raises(ConfigFault, match="this version writes to its own bucket alone"):
        read_workflow(workflow_with(f"{GOLD}.exportEnabled", 0), origin="the test")
