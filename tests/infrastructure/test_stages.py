"""samconfig.toml of both stacks: every parameter of a stage exists, and every stage sets the same ones."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

STAGES = ("dev", "qa", "uat", "prod")
# What the foundation leaves for others than the application.
FOR_PEOPLE_AND_DEPLOYMENT = {"/flowforge/${Stage}/image-repository"}
STACKS = {"application": "flowforge-", "foundation": "flowforge-foundation-"}


def overrides(settings: Mapping[str, Any], stage: str) -> dict[str, str]:
    pairs = settings[stage]["deploy"]["parameters"]["parameter_overrides"]
    # The SAM CLI refuses an empty value, and splits one with spaces that stands in no quotes.
    assert all(re.fullmatch(r"\w+=(\S+|'[^']+')", pair) for pair in pairs)
    names = [pair.partition("=")[0] for pair in pairs]
    assert len(set(names)) == len(names)
    return dict(pair.split("=", 1) for pair in pairs)


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def settings(stack: str, stages: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = stages[stack]
    return found


@pytest.fixture
def template(stack: str, request: pytest.FixtureRequest) -> Mapping[str, Any]:
    found: Mapping[str, Any] = request.getfixturevalue(stack)
    return found


def test_there_is_one_table_per_stage(settings: Mapping[str, Any], template: Mapping[str, Any]) -> None:
    assert set(settings) - {"version", "default"} == set(STAGES)
    assert template["Parameters"]["Stage"]["AllowedValues"] == list(STAGES)


def test_every_parameter_of_a_stage_is_declared_by_the_template(settings: Mapping[str, Any], template: Mapping[str, Any]) -> None:
    for stage in STAGES:
        assert set(overrides(settings, stage)) <= set(template["Parameters"]), stage


def test_every_stage_sets_the_same_parameters_and_all_that_have_no_default(
    settings: Mapping[str, Any], template: Mapping[str, Any]
) -> None:
    required = {name for name, parameter in template["Parameters"].items() if "Default" not in parameter}
    first = set(overrides(settings, STAGES[0]))
    assert required <= first
    for stage in STAGES:
        assert set(overrides(settings, stage)) == first


def test_a_stage_deploys_itself_under_its_own_name(settings: Mapping[str, Any], stack: str) -> None:
    for stage in STAGES:
        assert overrides(settings, stage)["Stage"] == stage
        table = {**settings[stage].get("global", {}).get("parameters", {}), **settings[stage]["deploy"]["parameters"]}
        assert table["stack_name"] == STACKS[stack] + stage
        assert table["tags"] == [f"flowforge:stage={stage}"]


def test_the_application_finds_what_the_foundation_of_its_stage_leaves(
    stages: Mapping[str, Any], application: Mapping[str, Any], foundation: Mapping[str, Any]
) -> None:
    left = {
        resource["Properties"]["Name"]["Fn::Sub"]
        for resource in foundation["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    }
    names = [
        name
        for name, parameter in application["Parameters"].items()
        if parameter["Type"].startswith("AWS::SSM::Parameter::Value")
    ]
    for stage in STAGES:
        found = {overrides(stages["application"], stage)[name] for name in names}
        assert found == {name.replace("${Stage}", stage) for name in left - FOR_PEOPLE_AND_DEPLOYMENT}


def test_every_allowed_value_of_a_parameter_is_kept(settings: Mapping[str, Any], template: Mapping[str, Any]) -> None:
    for stage in STAGES:
        for name, value in overrides(settings, stage).items():
            allowed = template["Parameters"][name].get("AllowedValues")
            assert allowed is None or value in map(str, allowed), (stage, name)
