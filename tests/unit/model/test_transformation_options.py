"""Options of Silver that are refused when a job is saved, with the reason."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from flowforge.model.transformation import TransformationConfig
from flowforge.model.validation import ValidationConfig

LOOKUP = {"name": "c", "sourceTable": "countries", "joinKeys": ["code"], "selectColumns": ["name"]}


def mapping(*transformations: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"columnMappings": [{"sourceColumn": "a", "transformations": list(transformations), **options}]}


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (mapping({"type": "replace"}), "replace: parameters.search: Field required"),
        (mapping({"type": "trim", "parameters": {"x": 1}}), "trim: parameters.x: is not one of its parameters"),
        (
            mapping({"type": "replace", "parameters": {"search": "(", "regex": True}}),
            r"the pattern '\(' is no regular expression",
        ),
        (mapping({"type": "substring", "parameters": {"start": 0}}), "start counts from 1"),
        (mapping({"type": "format", "parameters": {"decimals": 2}}), "needs a dataType: one of integer, decimal, float"),
        (mapping({"type": "format", "parameters": {"pattern": "%Y"}}, dataType="float"), "one of date, timestamp"),
        (mapping({"type": "format", "parameters": {"width": 3}}, {"type": "trim"}, dataType="integer"), "format comes last"),
        (mapping({"type": "format"}, dataType="integer"), "format takes pattern for a date, or decimals"),
        (
            {"derivedColumns": [{"name": "x", "expression": "a +", "dataType": "float"}]},
            "derived column 'x': the end at character 4",
        ),
        ({"derivedColumns": [{"name": "_x", "expression": "a", "dataType": "float"}]}, "names that start with '_' belong"),
        ({"derivedColumns": [{"name": "x", "expression": "a", "dataType": "money"}]}, "'money' is no data type"),
        ({"filters": [{"column": "a", "operator": "in", "value": 1}]}, "in takes a list of values"),
        ({"filters": [{"column": "a", "operator": "equals"}]}, "equals takes one value; write is_null"),
        ({"filters": [{"column": "a", "operator": "is_null", "value": 1}]}, "is_null takes no value"),
        ({"filters": [{"column": "a", "operator": "like", "value": "x"}]}, "filters.0.operator"),
        ({"lookups": [{**LOOKUP, "sourceTable": "Countries"}]}, "'Countries' names no Silver table"),
        ({"lookups": [{**LOOKUP, "joinKeys": []}]}, "joinKeys"),
        ({"lookups": [LOOKUP, LOOKUP]}, "lookups: name c stands there more than once"),
        ({"lookups": [LOOKUP], **mapping(targetColumn="name")}, "the column name stands there more than once"),
    ],
)
def test_a_transformation_that_cannot_be_done_is_refused(config: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        TransformationConfig.model_validate(config)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"ruleType": "not_null"}, "rule not_null: it needs a column"),
        ({"column": "a", "ruleType": "range"}, "range needs min, max or both"),
        ({"column": "a", "ruleType": "range", "parameters": {"min": 2, "max": 1}}, "min 2 is greater than max 1"),
        ({"column": "a", "ruleType": "length", "parameters": {"min": -1}}, "parameters.min"),
        ({"column": "a", "ruleType": "pattern", "parameters": {"pattern": "a(?=b)"}}, "looks around"),
        ({"column": "a", "ruleType": "pattern", "parameters": {"pattern": r"(a)\1"}}, "refers back to a group"),
        ({"column": "a", "ruleType": "pattern", "parameters": {"pattern": "["}}, "is no regular expression"),
        ({"column": "a", "ruleType": "enum", "parameters": {"values": []}}, "parameters.values"),
        ({"column": "a", "ruleType": "referential", "parameters": {"table": "t"}}, "parameters.column: Field required"),
        ({"ruleType": "expression", "parameters": {"expression": "a = (select 1)"}}, "so it has no subquery"),
        ({"column": "a", "ruleType": "unique", "nullIs": "fail"}, "nullIs says nothing here"),
        ({"column": "a", "ruleType": "unique", "parameters": {"columns": ["a"]}}, "it names a column twice"),
    ],
)
def test_a_rule_that_cannot_be_held_is_refused(rule: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        ValidationConfig.model_validate({"dataQualityRules": [rule]})


@pytest.mark.parametrize("pattern", [r"^\p{Lu}+$", "[[:alpha:]]+", r"\x{1F600}", r"^(?i)ab", r"a\z", r"\\1", "(?<y>[a-z&&[^b]])"])
def test_patterns_of_the_engine_that_python_does_not_know_are_taken(pattern: str) -> None:
    rule = {"column": "a", "ruleType": "pattern", "parameters": {"pattern": pattern}}
    assert ValidationConfig.model_validate({"dataQualityRules": [rule]}).data_quality_rules


@pytest.mark.parametrize(
    ("limits", "quarantined", "read", "exceeded"),
    [
        ({}, 5, 5, False),
        ({"maxErrors": 0}, 1, 100, True),
        ({"maxErrors": 3}, 3, 3, False),
        ({"maxErrorRate": 0.29}, 29, 100, False),
        ({"maxErrorRate": 0.29}, 30, 100, True),
        ({"maxErrorRate": 0}, 0, 0, False),
        ({"maxErrors": 10, "maxErrorRate": 0.5}, 6, 10, True),
    ],
)
def test_a_limit_is_exceeded_by_more_rows_than_it_says(
    limits: dict[str, float], quarantined: int, read: int, exceeded: bool
) -> None:
    assert ValidationConfig.model_validate(limits).is_exceeded(quarantined=quarantined, read=read) is exceeded


def test_a_range_of_dates_is_read_as_yaml_reads_it() -> None:
    rule = {"column": "a", "ruleType": "range", "parameters": {"min": date(2026, 1, 1), "max": "2026-12-31"}}
    (read,) = ValidationConfig.model_validate({"dataQualityRules": [rule]}).data_quality_rules
    assert read.parsed.model_dump() == {"min": "2026-01-01", "max": "2026-12-31"}


def test_dates_of_yaml_are_values_of_filters_and_lists() -> None:
    config = TransformationConfig.model_validate(
        {"filters": [{"column": "a", "operator": "in", "value": [date(2026, 1, 1), "2026-01-02"]}]}
    )
    assert config.filters[0].values == ("2026-01-01", "2026-01-02")
    rule = {"column": "a", "ruleType": "enum", "parameters": {"values": [date(2026, 1, 1)]}}
    assert ValidationConfig.model_validate({"dataQualityRules": [rule]}).data_quality_rules[0].parsed.model_dump() == {
        "values": ("2026-01-01",)
    }


def test_a_job_survives_being_stored() -> None:
    config = TransformationConfig.model_validate(
        {"lookups": [LOOKUP], **mapping({"type": "substring", "parameters": {"start": 1}})}
    )
    assert TransformationConfig.model_validate_json(config.to_json()) == config
    rules = [{"column": "a", "ruleType": "range", "parameters": {"min": date(2026, 1, 1)}}]
    stored = ValidationConfig.model_validate_json(ValidationConfig.model_validate({"dataQualityRules": rules}).to_json())
    assert stored.data_quality_rules[0].parameters == {"min": "2026-01-01"}
