"""The Task state: arguments, results, failures, retries, catchers, timeouts, and the events they leave."""

from datetime import timedelta
from typing import Any

import pytest

from unit.local.states_lab import Raises, Takes, machine, run, single, task

SUCCEEDED_CHAIN = [
    (1, 0, "ExecutionStarted"),
    (2, 0, "TaskStateEntered"),
    (3, 2, "TaskScheduled"),
    (4, 3, "TaskStarted"),
    (5, 4, "TaskSucceeded"),
    (6, 5, "TaskStateExited"),
    (7, 6, "ExecutionSucceeded"),
]


def caught(*names: str, **fields: Any) -> dict[str, Any]:
    """A machine whose task leads to a state Caught for these errors."""
    catch = [{"ErrorEquals": list(names), "Next": "Caught", **fields}]
    return machine({"S": task(Catch=catch, End=True), "Caught": {"Type": "Pass", "End": True}})


def retrying(*retriers: dict[str, Any]) -> dict[str, Any]:
    return single(task(Retry=list(retriers), Output="{% $states.context.State.RetryCount %}"))


def test_a_task_calls_its_function_with_its_payload() -> None:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:F"
    arguments = {"FunctionName": arn, "Payload": {"x": "{% $states.input.x + 1 %}"}}
    ended = run(single({**task(), "Arguments": arguments}), {"x": 1}, {"F": {"y": 2}})
    assert ended.functions.calls == [("F", {"x": 2})]
    assert ended.output["Payload"] == {"y": 2}
    assert (ended.output["StatusCode"], ended.output["ExecutedVersion"]) == (200, "$LATEST")


def test_a_task_leaves_the_events_that_aws_leaves() -> None:
    ended = run(single(task(TimeoutSeconds=90)), {"x": 1}, {"F": 1})
    assert ended.chain == SUCCEEDED_CHAIN
    assert ended.details("TaskScheduled") == [
        {
            "resourceType": "lambda",
            "resource": "invoke",
            "region": "us-east-1",
            "parameters": '{"FunctionName":"F","Payload":{"x":1}}',
            "timeoutInSeconds": 90,
        }
    ]
    assert ended.details("TaskStarted") == [{"resourceType": "lambda", "resource": "invoke"}]


def test_result_is_there_for_output_and_assign() -> None:
    states = {
        "S": task(Assign={"y": "{% $states.result.Payload.y %}"}, Output="{% $states.result.StatusCode %}", Next="T"),
        "T": {"Type": "Pass", "Output": "{% [$y, $states.input] %}", "End": True},
    }
    ended = run(machine(states), None, {"F": {"y": 2}})
    assert ended.output == [2, 200]
    assert ended.details("TaskStateExited")[0]["assignedVariables"] == {"y": "2"}


def test_a_functions_error_is_its_type_and_its_whole_payload() -> None:
    ended = run(single(task()), None, {"F": Raises("DataFault", "row 3")})
    assert ended.failure == ("DataFault", '{"errorMessage": "row 3", "errorType": "DataFault", "stackTrace": []}')
    assert [kind for *_, kind in ended.chain][-2:] == ["TaskFailed", "ExecutionFailed"]
    assert ended.chain[-1][1] == ended.chain[-2][0]


def test_an_error_without_a_type_is_unknown() -> None:
    error, cause = run(single(task()), None, {"F": Raises(None, "?")}).failure
    assert error == "Lambda.Unknown"
    assert str(cause).startswith("The cause could not be determined because Lambda did not return an error type.")


def test_a_missing_function_is_lambdas_error() -> None:
    error, cause = run(single(task("Nobody"))).failure
    assert error == "Lambda.ResourceNotFoundException"
    assert "Function not found: arn:aws:lambda:us-east-1:000000000000:function:Nobody (Service: AWSLambda;" in str(cause)


def test_a_task_times_out_without_a_cause() -> None:
    ended = run(single(task(TimeoutSeconds=5)), None, {"F": Takes(6)})
    assert (ended.failure, ended.duration) == (("States.Timeout", None), timedelta(seconds=5))
    assert ended.details("TaskTimedOut") == [{"resourceType": "lambda", "resource": "invoke", "error": "States.Timeout"}]
    assert ended.details("ExecutionFailed") == [{"error": "States.Timeout"}]


def test_a_timeout_may_be_an_expression() -> None:
    definition = single(task(TimeoutSeconds="{% $states.input.s %}"))
    assert run(definition, {"s": 2}, {"F": Takes(3)}).duration == timedelta(seconds=2)
    assert run(definition, {"s": 0}, {"F": 1}).failure[0] == "States.QueryEvaluationError"


def test_a_catcher_of_a_timeout_sees_an_empty_cause() -> None:
    definition = caught("States.Timeout")
    definition["States"]["S"]["TimeoutSeconds"] = 1
    assert run(definition, None, {"F": Takes(2)}).output == {"Error": "States.Timeout", "Cause": ""}


def test_a_failed_attempt_is_made_again_after_growing_delays() -> None:
    retrier = {"ErrorEquals": ["RetryLater"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 5, "MaxDelaySeconds": 10}
    ended = run(retrying(retrier), None, {"F": [Raises("RetryLater")] * 5 + [1]})
    assert ended.functions.started == [0, 2, 6, 14, 24, 34]
    assert ended.output == 5
    assert ended.kinds.count("TaskStateEntered") == 1
    failed = [event for event in ended.chain if event[2] == "TaskFailed"]
    scheduled = [event for event in ended.chain if event[2] == "TaskScheduled"]
    assert [event[1] for event in scheduled[1:]] == [event[0] for event in failed]


def test_retriers_default_to_three_attempts_after_one_two_and_four_seconds() -> None:
    ended = run(retrying({"ErrorEquals": ["RetryLater"]}), None, {"F": Raises("RetryLater")})
    assert ended.functions.started == [0, 1, 3, 7]
    assert ended.failure[0] == "RetryLater"


def test_full_jitter_waits_a_part_of_the_delay() -> None:
    retrier = {"ErrorEquals": ["RetryLater"], "IntervalSeconds": 4, "JitterStrategy": "FULL"}
    ended = run(retrying(retrier), None, {"F": [Raises("RetryLater"), 1]}, jitter=0.25)
    assert ended.functions.started == [0, 1]


def test_every_retrier_counts_its_own_attempts() -> None:
    retriers = [
        {"ErrorEquals": ["A"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1},
        {"ErrorEquals": ["B"], "IntervalSeconds": 10, "MaxAttempts": 1},
    ]
    script = {"F": [Raises("A"), Raises("B"), Raises("A"), Raises("B")]}
    ended = run(retrying(*retriers), None, script)
    assert ended.functions.started == [0, 1, 11, 12]
    assert ended.failure[0] == "B"


def test_no_attempts_means_no_retry() -> None:
    ended = run(retrying({"ErrorEquals": ["A"], "MaxAttempts": 0}), None, {"F": [Raises("A"), 1]})
    assert (len(ended.functions.calls), ended.failure[0]) == (1, "A")


def test_an_error_that_no_retrier_names_goes_to_the_catchers() -> None:
    definition = caught("DataFault")
    definition["States"]["S"]["Retry"] = [{"ErrorEquals": ["RetryLater"]}]
    ended = run(definition, None, {"F": [Raises("RetryLater"), Raises("DataFault", "row 3")]})
    assert ended.output["Error"] == "DataFault"
    assert "row 3" in ended.output["Cause"]
    assert ended.kinds[-5:] == ["TaskFailed", "TaskStateExited", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]


def test_a_catcher_has_its_own_output_and_variables() -> None:
    definition = caught(
        "States.ALL",
        Output={"e": "{% $states.errorOutput.Error %}", "i": "{% $states.input.x %}"},
        Assign={"lost": "{% $states.errorOutput.Error %}"},
    )
    definition["States"]["Caught"]["Output"] = "{% [$lost, $states.input] %}"
    assert run(definition, {"x": 1}, {"F": Raises("A")}).output == ["A", {"e": "A", "i": 1}]


def test_a_failing_catcher_fails_the_execution() -> None:
    ended = run(caught("States.ALL", Output="{% $states.errorOutput.Nothing %}"), None, {"F": Raises("A")})
    assert ended.failure[0] == "States.QueryEvaluationError"
    assert "Catch[0]/Output" in str(ended.failure[1])


@pytest.mark.parametrize(
    ("name", "behaviour", "matches"),
    [
        ("States.ALL", Raises("Anything"), True),
        ("States.ALL", Takes(10), True),
        ("States.TaskFailed", Raises("Anything"), True),
        ("States.TaskFailed", Takes(10), False),
        ("States.Timeout", Takes(10), True),
        ("Anything", Raises("Anything"), True),
        ("Any", Raises("Anything"), False),
        ("States.ALL", "x" * 300_000, True),
        ("States.DataLimitExceeded", "x" * 300_000, True),
    ],
)
def test_wildcards_match_what_aws_says(name: str, behaviour: Any, matches: bool) -> None:
    definition = caught(name)
    definition["States"]["S"]["TimeoutSeconds"] = 5
    assert (run(definition, None, {"F": behaviour}).status == "SUCCEEDED") is matches


def test_a_result_above_256_kib_fails_the_task() -> None:
    ended = run(single(task()), None, {"F": "ä" * 140_000})
    assert ended.failure == (
        "States.DataLimitExceeded",
        "The state/task 'lambda' returned a result with a size exceeding the maximum number of bytes service limit.",
    )
    assert ended.kinds[-2] == "TaskFailed"


def test_an_output_above_256_kib_is_caught_only_by_its_name() -> None:
    grow = "{% [$states.result.Payload, $states.result.Payload] %}"
    for name, status in (("States.ALL", "FAILED"), ("States.DataLimitExceeded", "SUCCEEDED")):
        definition = caught(name)
        definition["States"]["S"]["Output"] = grow
        assert run(definition, None, {"F": "x" * 150_000}).status == status


def test_failing_arguments_and_outputs_can_be_caught_and_retried() -> None:
    definition = caught("States.QueryEvaluationError")
    definition["States"]["S"]["Output"] = "{% $states.result.Payload.key %}"
    ended = run(definition, None, {"F": {}})
    assert ended.output["Error"] == "States.QueryEvaluationError"
    assert "The JSONata expression '$states.result.Payload.key' specified for the field 'Output'" in ended.output["Cause"]
    definition["States"]["S"]["Retry"] = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    ended = run(definition, None, {"F": [{}, {"key": 7}]})
    assert ended.output == 7
    assert ended.kinds.count("EvaluationFailed") == 1


def test_states_runtime_is_neither_retried_nor_caught() -> None:
    definition = machine(
        {
            "S": {
                "Type": "Map",
                "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}},
                "Retry": [{"ErrorEquals": ["States.ALL"]}],
                "Catch": [{"ErrorEquals": ["States.Runtime"], "Next": "E"}],
                "Next": "E",
            },
            "E": {"Type": "Succeed"},
        }
    )
    assert run(definition, {"no": "array"}).failure[0] == "States.Runtime"


def test_a_stopped_execution_is_aborted_in_the_middle_of_its_task() -> None:
    ended = run(
        single(task()),
        None,
        {"F": Takes(100)},
        meanwhile=lambda service, execution: service.stop_execution(execution.arn),
        meanwhile_after=10,
    )
    assert (ended.status, ended.failure, ended.duration) == ("ABORTED", (None, None), timedelta(seconds=10))
    assert ended.chain[-1] == (5, 0, "ExecutionAborted")
