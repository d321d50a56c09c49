"""What CreateStateMachine refuses: every message names the place."""

import json
from typing import Any

import pytest

from flowforge.local.states.errors import ServiceError
from flowforge.local.states.integrations import LambdaInvoke
from flowforge.local.states.parser import parse_definition
from unit.local.states_lab import machine, single, task

PASS = {"Type": "Pass", "End": True}
CATCH = {"ErrorEquals": ["States.ALL"], "Next": "S"}


def with_map(**processor: Any) -> dict[str, Any]:
    return single({"Type": "Map", "ItemProcessor": {"StartAt": "I", "States": {"I": PASS}, **processor}})


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({}, "These fields are required: [States, StartAt] at /"),
        ({"StartAt": "S", "States": {"S": PASS}}, "/QueryLanguage"),
        (single(PASS, QueryLanguage="JSONPath"), "/QueryLanguage"),
        (single(PASS, Colour="red"), "Field 'Colour' is not supported for a state machine at /Colour"),
        (single(PASS, TimeoutSeconds="soon"), "Expected value of type [INTEGER] at /TimeoutSeconds"),
        (single(PASS, TimeoutSeconds=0), "at /TimeoutSeconds"),
        (single(PASS, Version="2.0"), "at /Version"),
        (single({"Type": "Perform"}), "/States/S/Type"),
        (single({"Type": "Teleport"}), "/States/S/Type"),
        (single({**PASS, "Colour": "red"}), "Field 'Colour' is not supported for a Pass state at /States/S/Colour"),
        (
            single({**PASS, "InputPath": "$.a"}),
            "field 'InputPath' is only supported for the 'JSONPath' QueryLanguage at /States/S",
        ),
        (single({**PASS, "Result": 1}), "field 'Result' is only supported for the 'JSONPath' QueryLanguage at /States/S"),
        (single({**PASS, "QueryLanguage": "JSONPath"}), "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata'"),
        (single({**PASS, "Retry": []}), "Field 'Retry' is not supported for a Pass state at /States/S/Retry"),
        (single({**PASS, "TimeoutSeconds": 1}), "/States/S/TimeoutSeconds"),
        (machine({"S": {"Type": "Pass"}}), "One of these fields is required: [Next, End] at /States/S"),
        (machine({"S": {"Type": "Pass", "Next": "S", "End": True}}), "Only one of the fields [Next, End]"),
        (machine({"S": {"Type": "Pass", "Next": "Nowhere"}}), "Missing 'Next' target: Nowhere at /States/S/Next"),
        (machine({"S": {"Type": "Pass", "Next": "S"}}), "MISSING_END_STATE"),
        (machine({"S": PASS, "T": PASS}), "State 'T' is not reachable. at /States/T"),
        (machine({"S": PASS}, StartAt="T"), "Missing 'Next' target: T at /StartAt"),
        (single({"Type": "Succeed"}), "Field 'End' is not supported for a Succeed state"),
        (single({"Type": "Wait"}), "One of these fields is required: [Seconds, Timestamp] at /States/S"),
        (single({"Type": "Wait", "Seconds": -1}), "at /States/S/Seconds"),
        (single({"Type": "Wait", "Seconds": "3"}), "Expected value of type [INTEGER] at /States/S/Seconds"),
        (single({"Type": "Wait", "Timestamp": "2026-01-01 00:00"}), "valid ISO-8601 timestamp at /States/S/Timestamp"),
        (single({"Type": "Wait", "Seconds": 1, "Timestamp": "2026-01-01T00:00:00Z"}), "Only one of the fields"),
        (machine({"S": {"Type": "Choice", "Choices": []}}), "at least one rule at /States/S/Choices"),
        (machine({"S": {"Type": "Choice", "Choices": [{"Next": "S"}]}}), "required: [Condition] at /States/S/Choices[0]"),
        (
            machine({"S": {"Type": "Choice", "Choices": [{"Variable": "$.a", "Condition": True, "Next": "S"}]}}),
            "field 'Variable' is only supported for the 'JSONPath' QueryLanguage at /States/S/Choices[0]",
        ),
        (
            machine({"S": {"Type": "Choice", "Choices": [{"Condition": True, "Next": "X"}], "Default": "Y"}}),
            "Missing 'Next' target: X at /States/S/Choices[0]/Next",
        ),
        (single({**task(), "Resource": "arn:aws:states:::sqs:sendMessage"}), "sqs:sendMessage' is not supported"),
        (single({"Type": "Task"}), "required: [Resource] at /States/S"),
        (single(task(HeartbeatSeconds=5)), "/States/S/HeartbeatSeconds"),
        (single(task(TimeoutSeconds=0)), "/States/S/TimeoutSeconds"),
        (single({**task(), "Arguments": {"FunctionName": "F", "Qualifier": "1"}}), "/States/S/Arguments/Qualifier"),
        (single(task(Retry=[{"IntervalSeconds": 1}])), "required: [ErrorEquals] at /States/S/Retry[0]"),
        (single(task(Retry=[{"ErrorEquals": []}])), "/States/S/Retry[0]/ErrorEquals"),
        (single(task(Retry=[{"ErrorEquals": ["A"], "BackoffRate": 0.5}])), "/States/S/Retry[0]/BackoffRate"),
        (single(task(Retry=[{"ErrorEquals": ["A"], "JitterStrategy": "SOME"}])), "/States/S/Retry[0]/JitterStrategy"),
        (single(task(Retry=[{"ErrorEquals": ["A"], "Delay": 1}])), "/States/S/Retry[0]/Delay"),
        (single(task(Retry=[{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}])), "must stand alone"),
        (single(task(Catch=[{"ErrorEquals": ["A", "States.ALL"], "Next": "S"}])), "must stand alone"),
        (single(task(Catch=[{"ErrorEquals": ["A"], "Next": "X"}])), "Missing 'Next' target: X at /States/S/Catch[0]/Next"),
        (single(task(Catch=[{**CATCH, "ResultPath": "$.e"}])), "field 'ResultPath'"),
        (single({**PASS, "Assign": {"states": 1}}), "'states' is not a valid variable name at /States/S/Assign/states"),
        (single({**PASS, "Assign": {"a-b": 1}}), "/States/S/Assign/a-b"),
        (single({**PASS, "Assign": []}), "Expected value of type [OBJECT] at /States/S/Assign"),
        (with_map(ProcessorConfig={"Mode": "DISTRIBUTED"}), "/States/S/ItemProcessor/ProcessorConfig/Mode"),
        (with_map(QueryLanguage="JSONata"), "/States/S/ItemProcessor/QueryLanguage"),
        (with_map(StartAt="X"), "at /States/S/ItemProcessor/StartAt"),
        (with_map(States={"I": {**PASS, "Next": "S"}}), "/States/S/ItemProcessor/States/I"),
        (with_map(StartAt="S", States={"S": PASS}), "Duplicate State name: S"),
        (single({**with_map()["States"]["S"], "ItemReader": {}}), "/States/S/ItemReader"),
        (single({**with_map()["States"]["S"], "Items": 3}), "Expected value of type [ARRAY] at /States/S/Items"),
        (
            machine(
                {
                    "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "S"},
                    "S": with_map(States={"I": {**PASS, "Assign": {"x": 2}}})["States"]["S"],
                }
            ),
            "'x' is assigned in an outer scope at /States/S/ItemProcessor/States/I/Assign",
        ),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(definition: Any, message: str) -> None:
    assert message in refusal(definition)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("foo", "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'foo' at the top level is not supported. at /States/S/Output/v"),
        ("$", "Reference to '$' at the top level"),
        ("$$.a", "Reference to '$$' is not supported."),
        ("*", "Reference to '*' at the top level"),
        ("$map($states.input, function($x) { y })", "Reference to 'y' at the top level"),
        ("$states.result", "Reference to '$states.result'"),
        ("$states.errorOutput.Error", "Reference to '$states.errorOutput'"),
        ("1 +", "INVALID_JSONATA_EXPRESSION"),
    ],
)
def test_an_expression_that_cannot_work_is_refused(expression: str, message: str) -> None:
    assert message in refusal(single({**PASS, "Output": {"v": f"{{% {expression} %}}"}}))


@pytest.mark.parametrize(
    "expression",
    [
        "$states.input.items[price > 3]",
        "$states.input.{'a': b}",
        "$states.input^(c)",
        "$states.input{k: v}",
        "$map($states.input, function($x) { $x.y })",
        "($y := 1; $y)",
    ],
)
def test_a_name_below_a_context_is_accepted(expression: str) -> None:
    definition = single({**PASS, "Output": f"{{% {expression} %}}"})
    assert parse_definition(json.dumps(definition), resources={}).container.start_at == "S"


def test_all_faults_are_told_at_once() -> None:
    message = refusal(machine({"S": {"Type": "Pass", "Colour": 1, "Next": "X"}, "T": {"Type": "Wait"}}))
    assert all(part in message for part in ("/States/S/Colour", "/States/S/Next", "/States/T", "not reachable"))


def test_a_text_that_is_no_json_is_refused() -> None:
    assert "INVALID_JSON_DESCRIPTION" in refusal_of_text("{")
    assert "Definition must be a valid JSON object" in refusal_of_text("[]")


def refusal(definition: Any) -> str:
    return refusal_of_text(json.dumps(definition))


def refusal_of_text(text: str) -> str:
    with pytest.raises(ServiceError) as refused:
        parse_definition(text, resources={LambdaInvoke.arn: LambdaInvoke.names})
    assert refused.value.code == "InvalidDefinition"
    return refused.value.message
