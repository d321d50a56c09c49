"""The short forms of Silver's options."""

from typing import Any

import pytest

from flowforge.cli.job_options import JobOptions, workflow_from_options
from flowforge.cli.usage import UsageError
from flowforge.model.job import Job


def job_of(**options: Any) -> Job:
    return workflow_from_options(JobOptions(**options), default_name="orders").jobs[0]


def test_transformations_filters_and_derived_columns_have_short_forms() -> None:
    config = job_of(
        type=("amount=decimal(8,2)",),
        transform=("email: trim, replace(a, b)", "phone: phone_format(49)"),
        derive=("net decimal(12,2) = amount - tax", "is_big boolean=amount >= 10"),
        filter=("amount > 0", "status != void", "note is not null", "size in S, M", "full name contains GmbH"),
    ).transformation_config
    assert [
        (mapping.name, mapping.data_type, [item.type for item in mapping.transformations]) for mapping in config.column_mappings
    ] == [
        ("amount", "decimal(8,2)", []),
        ("email", None, ["trim", "replace"]),
        ("phone", None, ["phone_format"]),
    ]
    assert config.column_mappings[1].transformations[1].parameters == {"search": "a", "replacement": "b"}
    assert [(column.name, column.data_type, column.expression) for column in config.derived_columns] == [
        ("net", "decimal(12,2)", "amount - tax"),
        ("is_big", "boolean", "amount >= 10"),
    ]
    assert [(item.column, item.operator.value, item.value) for item in config.filters] == [
        ("amount", "greater_than", "0"),
        ("status", "not_equals", "void"),
        ("note", "not_null", None),
        ("size", "in", ("S", "M")),
        ("full name", "contains", "GmbH"),
    ]


def test_rules_have_short_forms() -> None:
    config = job_of(
        rule=("amount: range(0, 100)", "code: pattern(^[A-Z]{2,3}$)", "size: enum(S, M)", "expression(paid <= amount)"),
        warn=("name: length(1,)", "country: referential(geo/countries.code)"),
        max_error_rate=0.1,
    ).validation_config
    assert [(rule.column, rule.rule_type, rule.parameters, rule.severity.value) for rule in config.data_quality_rules] == [
        ("amount", "range", {"min": "0", "max": "100"}, "error"),
        ("code", "pattern", {"pattern": "^[A-Z]{2,3}$"}, "error"),
        ("size", "enum", {"values": ["S", "M"]}, "error"),
        (None, "expression", {"expression": "paid <= amount"}, "error"),
        ("name", "length", {"min": "1"}, "warning"),
        ("country", "referential", {"table": "geo/countries", "column": "code"}, "warning"),
    ]
    assert config.max_error_rate == 0.1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"rule": ("amount range(0,1)",)}, "--rule: 'amount range"),
        ({"rule": ("amount: bounds(0,1)",)}, "--rule: "),
        ({"rule": ("code: pattern(()",)}, "--rule: rule pattern: parameters.pattern"),
        ({"filter": ("amount",)}, "--filter: 'amount' is no condition"),
        ({"transform": ("email",)}, "--transform: 'email' is not of the form"),
        ({"transform": ("email: shout",)}, "--type, --transform: "),
        ({"derive": ("net = amount",)}, "--derive: 'net = amount' is not of the form"),
        ({"derive": ("net float = sum(amount)",)}, "--derive: derived column 'net': sum is an aggregate"),
        ({"schema_evolution": "loose"}, "--schema-evolution: 'loose' is none of strict, add_new_columns, ignore_extra"),
    ],
)
def test_a_wrong_short_form_is_named(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        job_of(**options)
    assert str(caught.value).startswith(problem)
