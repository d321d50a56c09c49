"""The inline Map state: items, scopes, concurrency, and what happens when an iteration fails."""

from typing import Any

from unit.local.states_lab import Raises, Takes, machine, run, task


def mapping(states: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A machine of one Map state over these states."""
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": next(iter(states)), "States": states}
    return machine({"M": {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}})


CALL = {"Call": task(Output="{% $states.result.Payload %}", End=True)}


def by_item(**behaviours: Any) -> Any:
    """A function that behaves as its event says."""
    return lambda event: behaviours.get(event, event)


def test_results_stand_in_the_order_of_the_items() -> None:
    script = {"F": [Takes(3, "slow"), Takes(1, "quick")]}
    assert run(mapping(CALL), ["a", "b"], script).output == ["slow", "quick"]


def test_items_may_be_an_expression_and_must_be_an_array() -> None:
    definition = mapping(CALL, Items="{% $states.input.list %}")
    assert run(definition, {"list": ["a"]}, {"F": by_item()}).output == ["a"]
    assert run(definition, {"list": []}, {"F": by_item()}).output == []
    assert run(definition, {"list": 3}).failure[0] == "States.QueryEvaluationError"
    assert run(mapping(CALL), {"no": "array"}).failure[0] == "States.Runtime"


def test_an_iteration_sees_its_item_in_the_context() -> None:
    inner = {"I": {"Type": "Pass", "Output": "{% $states.context.Map.Item %}", "End": True}}
    assert run(mapping(inner), ["a", "b"]).output == [{"Index": 0, "Value": "a"}, {"Index": 1, "Value": "b"}]


def test_an_item_selector_makes_the_input_of_each_iteration() -> None:
    inner = {"I": {"Type": "Pass", "End": True}}
    selector = {"n": "{% $states.context.Map.Item.Value * $states.input.factor %}", "of": "{% $states.context.State.Name %}"}
    definition = mapping(inner, Items="{% $states.input.list %}", ItemSelector=selector)
    assert run(definition, {"factor": 10, "list": [1, 2]}).output == [{"n": 10, "of": "M"}, {"n": 20, "of": "M"}]


def test_iterations_read_outer_variables_and_keep_their_own() -> None:
    inner = {
        "A": {"Type": "Pass", "Assign": {"own": "{% $states.input + $outer %}"}, "Next": "B"},
        "B": {"Type": "Pass", "Output": "{% $own %}", "End": True},
    }
    definition = mapping(inner, Next="After")
    definition["States"]["M"].pop("End")
    definition["States"]["After"] = {
        "Type": "Pass",
        "Output": {"sums": "{% $states.input %}", "own": "{% $exists($own) %}"},
        "End": True,
    }
    definition["States"]["Before"] = {"Type": "Pass", "Assign": {"outer": 100}, "Next": "M"}
    definition["StartAt"] = "Before"
    assert run(definition, [1, 2]).output == {"sums": [101, 102], "own": False}


def test_maps_nest() -> None:
    inner = {"Type": "Map", "ItemProcessor": {"StartAt": "I", "States": {}}, "End": True}
    inner["ItemProcessor"]["States"] = {"I": {"Type": "Pass", "Output": "{% $states.input * 2 %}", "End": True}}  # type: ignore[index]
    assert run(mapping({"Inner": inner}), [[1, 2], [3]]).output == [[2, 4], [6]]


def test_no_more_iterations_run_at_once_than_allowed() -> None:
    ended = run(mapping(CALL, MaxConcurrency=2), list("abcde"), {"F": Takes(10)})
    assert ended.functions.started == [0, 0, 10, 10, 20]
    assert run(mapping(CALL, MaxConcurrency="{% 1 %}"), ["a", "b"], {"F": Takes(10)}).functions.started == [0, 10]


def test_an_inline_map_never_runs_more_than_40_iterations_at_once() -> None:
    started = run(mapping(CALL), list(range(41)), {"F": Takes(10)}).functions.started
    assert (started.count(0), started.count(10)) == (40, 1)


def test_a_map_leaves_the_events_that_aws_leaves() -> None:
    ended = run(mapping({"I": {"Type": "Pass", "End": True}}, MaxConcurrency=1), ["a", "b"])
    assert ended.chain == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "MapStateEntered"),
        (3, 2, "MapStateStarted"),
        (4, 3, "MapIterationStarted"),
        (5, 4, "PassStateEntered"),
        (6, 5, "PassStateExited"),
        (7, 6, "MapIterationSucceeded"),
        (8, 6, "MapIterationStarted"),
        (9, 8, "PassStateEntered"),
        (10, 9, "PassStateExited"),
        (11, 10, "MapIterationSucceeded"),
        (12, 11, "MapStateSucceeded"),
        (13, 11, "MapStateExited"),
        (14, 13, "ExecutionSucceeded"),
    ]
    assert ended.details("MapStateStarted") == [{"length": 2}]
    assert ended.details("MapIterationStarted") == [{"name": "M", "index": 0}, {"name": "M", "index": 1}]


def test_the_first_failure_ends_every_iteration() -> None:
    script = {"F": [Takes(5, "never"), Takes(1, Raises("DataFault")), Takes(5, "never")]}
    ended = run(mapping(CALL, MaxConcurrency=3), list("abcd"), script)
    assert ended.failure[0] == "DataFault"
    assert len(ended.functions.calls) == 3
    [failure_id] = [event_id for event_id, _, kind in ended.chain if kind == "TaskFailed"]
    assert [(previous, kind) for _, previous, kind in ended.chain[failure_id:]] == [
        (failure_id, "MapIterationFailed"),
        (failure_id, "TaskStateAborted"),
        (failure_id, "MapIterationAborted"),
        (failure_id, "TaskStateAborted"),
        (failure_id, "MapIterationAborted"),
        (failure_id, "TaskStateAborted"),
        (failure_id, "MapStateFailed"),
        (len(ended.chain) - 1, "ExecutionFailed"),
    ]
    assert [details["index"] for details in ended.details("MapIterationAborted")] == [0, 2]


def test_a_failing_map_can_be_retried_and_caught() -> None:
    definition = mapping(CALL, Retry=[{"ErrorEquals": ["A"], "MaxAttempts": 1}], Catch=[{"ErrorEquals": ["A"], "Next": "C"}])
    definition["States"]["C"] = {"Type": "Pass", "End": True}
    assert run(definition, ["x"], {"F": [Raises("A"), "fine"]}).output == ["fine"]
    ended = run(definition, ["x"], {"F": Raises("A")})
    assert (ended.output["Error"], len(ended.functions.calls)) == ("A", 2)


def test_an_iteration_that_catches_its_failure_lets_its_siblings_go_on() -> None:
    call = task(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Lost"}], Output="ok", End=True)
    inner = {"Call": call, "Lost": {"Type": "Pass", "Output": "lost", "End": True}}
    assert run(mapping(inner), ["a", "bad", "c"], {"F": by_item(bad=Raises("A"))}).output == ["ok", "lost", "ok"]


def test_result_of_a_map_is_there_for_output_and_assign() -> None:
    definition = mapping(
        {"I": {"Type": "Pass", "End": True}}, Output="{% $count($states.result) %}", Assign={"all": "{% $states.result %}"}
    )
    ended = run(definition, ["a", "b"])
    assert ended.output == 2
    assert ended.details("MapStateExited")[0]["assignedVariables"] == {"all": '["a","b"]'}


def test_a_stop_reaches_every_iteration() -> None:
    ended = run(
        mapping(CALL),
        ["a", "b"],
        {"F": Takes(100)},
        meanwhile=lambda service, execution: service.stop_execution(execution.arn),
        meanwhile_after=1,
    )
    assert ended.status == "ABORTED"
    assert ended.kinds[-1] == "ExecutionAborted"
