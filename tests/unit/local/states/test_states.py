"""Pass, Choice, Wait, Succeed and Fail; input, output, variables and the context object."""

from datetime import timedelta
from typing import Any

import pytest

from flowforge.local.states import history
from unit.local.states_lab import machine, run, single


def test_a_pass_state_hands_its_input_on() -> None:
    assert run(single({"Type": "Pass"}), {"a": [1, None]}).output == {"a": [1, None]}


def test_a_string_is_an_expression_only_when_it_is_wrapped_whole() -> None:
    output = {"a": "{% 1 + 1 %}", "b": " {% 1 %}", "c": ["$states.input", {"d": "{%$states.input.x%}"}], "e": None}
    ended = run(single({"Type": "Pass", "Output": output}), {"x": 5})
    assert ended.output == {"a": 2, "b": " {% 1 %}", "c": ["$states.input", {"d": 5}], "e": None}


def test_null_is_a_value_and_nothing_is_an_error() -> None:
    assert run(single({"Type": "Pass", "Output": {"v": "{% $states.input.x %}"}}), {"x": None}).output == {"v": None}
    ended = run(single({"Type": "Pass", "Output": {"v": ["{% $states.input.absent %}"]}}))
    assert ended.failure == (
        "States.QueryEvaluationError",
        "An error occurred while executing the state 'S' (entered at the event id #2). The JSONata expression "
        "'$states.input.absent' specified for the field 'Output/v[0]' returned nothing (undefined).",
    )
    [details] = ended.details("EvaluationFailed")
    assert (details["state"], details["location"]) == ("S", "Output/v[0]")
    assert ended.kinds == ["ExecutionStarted", "PassStateEntered", "EvaluationFailed", "ExecutionFailed"]


def test_output_and_assign_both_see_the_variables_as_they_were() -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"x": 1, "y": 10}, "Next": "B"},
        "B": {"Type": "Pass", "Assign": {"x": "{% $y %}", "y": "{% $x %}"}, "Output": "{% [$x, $y] %}", "Next": "C"},
        "C": {"Type": "Pass", "Output": {"before": "{% $states.input %}", "after": "{% [$x, $y] %}"}, "End": True},
    }
    assert run(machine(states)).output == {"before": [1, 10], "after": [10, 1]}


def test_a_variable_may_be_null_and_an_unknown_one_is_an_error() -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"x": None}, "Next": "B"},
        "B": {"Type": "Pass", "Output": "{% $x = null %}", "End": True},
    }
    assert run(machine(states)).output is True
    assert run(single({"Type": "Pass", "Output": "{% $unknown %}"})).failure[0] == "States.QueryEvaluationError"


def choice(**fields: Any) -> dict[str, Any]:
    rules = [
        {"Condition": "{% $states.input.n > 10 %}", "Next": "Big", "Assign": {"x": 1}, "Output": "rule"},
        {"Condition": "{% $states.input.n > 5 %}", "Next": "Middle"},
    ]
    end = {"Type": "Pass", "Output": {"x": "{% $exists($x) ? $x : null %}", "input": "{% $states.input %}"}, "End": True}
    return machine(
        {
            "C": {"Type": "Choice", "Choices": rules, "Default": "Small", **fields},
            "Big": end,
            "Middle": end,
            "Small": end,
        }
    )


def test_a_choice_takes_its_first_true_rule_with_its_own_output_and_variables() -> None:
    ended = run(choice(Assign={"x": 2}, Output="default"), {"n": 11})
    assert ended.output == {"x": 1, "input": "rule"}
    assert ended.details("PassStateEntered")[0]["name"] == "Big"


def test_a_choice_without_a_true_rule_takes_its_default_with_the_states_own_output() -> None:
    ended = run(choice(Assign={"x": 2}, Output="default"), {"n": 1})
    assert ended.output == {"x": 2, "input": "default"}
    assert run(choice(), {"n": 6}).output == {"x": None, "input": {"n": 6}}


def test_a_choice_that_leads_nowhere_ends_the_execution() -> None:
    definition = choice()
    del definition["States"]["C"]["Default"], definition["States"]["Small"]
    assert run(definition, {"n": 1}).failure == (
        "States.Runtime",
        "An error occurred while executing the state 'C' (entered at the event id #2). "
        "Failed to transition out of the state. The state does not point to a next state.",
    )


def test_a_condition_must_be_true_or_false() -> None:
    definition = machine(
        {
            "C": {"Type": "Choice", "Choices": [{"Condition": "{% 1 %}", "Next": "E"}], "Default": "E"},
            "E": {"Type": "Succeed"},
        }
    )
    error, cause = run(definition).failure
    assert error == "States.QueryEvaluationError"
    assert "Choices[0]/Condition" in str(cause)


def test_a_wait_lasts_as_long_as_it_says() -> None:
    assert run(single({"Type": "Wait", "Seconds": 3600})).duration == timedelta(hours=1)
    assert run(single({"Type": "Wait", "Seconds": "{% $states.input.s * 2 %}"}), {"s": 5}).duration == timedelta(seconds=10)
    assert run(single({"Type": "Wait", "Seconds": "{% 'x' %}"})).failure[0] == "States.QueryEvaluationError"


def test_succeed_ends_with_its_output() -> None:
    ended = run(machine({"S": {"Type": "Succeed", "Output": {"done": "{% $states.input.x %}"}}}), {"x": 1})
    assert (ended.status, ended.output) == ("SUCCEEDED", {"done": 1})
    assert ended.kinds[-2:] == ["SucceedStateExited", "ExecutionSucceeded"]


def test_fail_ends_with_its_error_and_cause_unchanged() -> None:
    fail = {"Type": "Fail", "Error": "{% $states.input.e %}", "Cause": "because"}
    ended = run(machine({"S": fail}), {"e": "DataFault"})
    assert (ended.status, *ended.failure) == ("FAILED", "DataFault", "because")
    assert ended.kinds == ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]
    assert ended.details("ExecutionFailed") == [{"error": "DataFault", "cause": "because"}]


def test_fail_needs_no_error_and_refuses_one_that_is_no_string() -> None:
    assert run(machine({"S": {"Type": "Fail"}})).details("ExecutionFailed") == [{}]
    assert run(machine({"S": {"Type": "Fail", "Error": "{% 1 %}"}})).failure[0] == "States.QueryEvaluationError"


def test_the_context_object_tells_of_execution_machine_and_state() -> None:
    context = run(single({"Type": "Pass", "Output": "{% $states.context %}"}), {"a": 1}).output
    assert context == {
        "Execution": {
            "Id": "arn:aws:states:us-east-1:000000000000:execution:Test:run",
            "Input": {"a": 1},
            "Name": "run",
            "RoleArn": "arn:aws:iam::000000000000:role/test",
            "StartTime": "2026-11-23T06:00:00.000Z",
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": "arn:aws:states:us-east-1:000000000000:stateMachine:Test", "Name": "Test"},
        "State": {"Name": "S", "EnteredTime": "2026-11-23T06:00:00.000Z"},
    }


def test_an_output_above_256_kib_ends_the_execution() -> None:
    grow = "{% $join($map([1..30000], function($i) { 'ääääääää' })) %}"
    error, cause = run(single({"Type": "Pass", "Output": grow})).failure
    assert error == "States.DataLimitExceeded"
    assert cause == "The state/task 'S' returned a result with a size exceeding the maximum number of bytes service limit."


def test_an_execution_ends_at_the_last_event_that_a_history_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert history.MAXIMAL_EVENTS == 25_000
    monkeypatch.setattr(history, "MAXIMAL_EVENTS", 500)
    cycle = {
        "A": {"Type": "Pass", "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Condition": False, "Next": "E"}], "Default": "A"},
        "E": {"Type": "Succeed"},
    }
    ended = run(machine(cycle))
    assert (ended.failure[0], len(ended.kinds)) == ("States.Runtime", 500)


def test_a_machine_that_takes_too_long_times_out_without_error_or_cause() -> None:
    ended = run(single({"Type": "Wait", "Seconds": 100}, TimeoutSeconds=60))
    assert (ended.status, ended.failure, ended.duration) == ("TIMED_OUT", (None, None), timedelta(seconds=60))
    assert ended.chain[-1] == (3, 0, "ExecutionTimedOut")
    assert ended.details("ExecutionTimedOut") == [{"error": "States.Timeout"}]


def test_a_cycle_without_a_wait_does_not_escape_the_machines_timeout_or_a_stop() -> None:
    cycle = {"A": {"Type": "Wait", "Seconds": 0, "Next": "C"}, "E": {"Type": "Succeed"}}
    cycle["C"] = {"Type": "Choice", "Choices": [{"Condition": False, "Next": "E"}], "Default": "A"}
    ended = run(machine(cycle), meanwhile=lambda service, execution: service.stop_execution(execution.arn, "Enough", "now"))
    assert (ended.status, *ended.failure) == ("ABORTED", "Enough", "now")
    assert ended.chain[-1][1:] == (0, "ExecutionAborted")
    assert len(ended.kinds) < 100
