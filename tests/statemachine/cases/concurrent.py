"""Map and Parallel: order of results and events, failures, retries, time."""

from typing import Any

from statemachine.cases.case import Case, attempt, visited
from statemachine.cases.scopes import branch, inline
from unit.local.states_lab import Raises, Takes, task

PASS = {"Type": "Pass", "End": True}
CALL = task(Output="{% $states.result.Payload %}", End=True)
CAUGHT = {"Type": "Pass", "End": True}
FAILING = {"Type": "Fail", "Error": "Broken", "Cause": "for good"}


def parallel(*branches: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Parallel", "Branches": [branch(states) for states in branches], **({"End": True} | fields)}


def iteration(*inside: str) -> list[str]:
    return ["MapIterationStarted", *inside, "MapIterationSucceeded"]


CASES = [
    Case(
        "iterations one after the other",
        {"M": inline({"I": PASS}, MaxConcurrency=1, End=True)},
        value=["a", "b"],
        output=["a", "b"],
        events=visited("Map", "MapStateStarted", *iteration(*visited("Pass")), *iteration(*visited("Pass")), "MapStateSucceeded"),
        # The next iteration and the exit follow the last state and the last iteration, not the successes before them.
        links=[(4, 3), (7, 6), (8, 6), (11, 10), (12, 11), (13, 11)],
    ),
    Case(
        "iterations at once",
        {"M": inline({"I": PASS}, End=True)},
        value=[1, 2],
        output=[1, 2],
        links=[(4, 3), (5, 3), (6, 4), (7, 6), (8, 5), (9, 8)],
    ),
    Case(
        "a map over nothing",
        {"M": inline({"I": PASS}, End=True)},
        value=[],
        output=[],
        events=visited("Map", "MapStateStarted", "MapStateSucceeded"),
        links=[(4, 3), (5, 3)],
    ),
    Case("items by an expression", {"M": inline({"I": PASS}, Items="{% [1..3] %}", End=True)}, output=[1, 2, 3]),
    Case(
        "items that stand in the definition",
        {"M": inline({"I": PASS}, Items=[{"a": "{% 1 + 1 %}"}], End=True)},
        output=[{"a": 2}],
    ),
    Case(
        "items that are no array",
        {"M": inline({"I": PASS}, Items="{% 5 %}", End=True)},
        status="FAILED",
        error="States.QueryEvaluationError",
        cause="'Items'",
        events=["MapStateEntered", "EvaluationFailed"],
    ),
    Case(
        "a concurrency that is no number",
        {"M": inline({"I": PASS}, MaxConcurrency="{% 'many' %}", End=True)},
        value=[1],
        status="FAILED",
        error="States.QueryEvaluationError",
        cause="'MaxConcurrency'",
    ),
    Case(
        "a concurrency by an expression",
        {"M": inline({"I": CALL}, MaxConcurrency="{% 2 %}", End=True)},
        value=[1, 2, 3, 4],
        script={"F": Takes(10)},
        seconds=20,
    ),
    Case(
        "a failing iteration is caught by the map",
        {"M": inline({"I": FAILING}, Catch=[{"ErrorEquals": ["Broken"], "Next": "C"}], End=True), "C": CAUGHT},
        value=[1],
        output={"Error": "Broken", "Cause": "for good"},
        events=[
            *visited("Map", "MapStateStarted", "MapIterationStarted", "FailStateEntered", "MapIterationFailed", "MapStateFailed"),
            *visited("Pass"),
        ],
        links=[(6, 5), (7, 5), (8, 7)],
    ),
    Case(
        "a map is tried again as a whole",
        {"M": inline({"I": CALL}, MaxConcurrency=1, Retry=[{"ErrorEquals": ["A"], "MaxAttempts": 1}], End=True)},
        value=[1],
        script={"F": [Raises("A"), "fine"]},
        output=["fine"],
        seconds=1,
        events=visited(
            "Map",
            "MapStateStarted",
            *[
                "MapIterationStarted",
                "TaskStateEntered",
                *attempt("Failed"),
                "MapIterationFailed",
                "TaskStateAborted",
                "MapStateFailed",
            ],
            "MapStateStarted",
            *iteration(*visited("Task", *attempt("Succeeded"))),
            "MapStateSucceeded",
        ),
    ),
    Case(
        "time limits in iterations end the map with the first",
        {"M": inline({"I": {**CALL, "TimeoutSeconds": 5}}, End=True)},
        value=[1, 2],
        script={"F": Takes(60)},
        status="FAILED",
        error="States.Timeout",
        seconds=5,
    ),
    Case(
        "nested maps have the items of their own",
        {"M": inline({"N": inline({"I": {**PASS, "Output": "{% $states.context.Map.Item.Value %}"}}, End=True)}, End=True)},
        value=[[1], [2, 3]],
        output=[[1], [2, 3]],
    ),
    Case(
        "branches give their outputs in their order",
        {
            "P": parallel(
                {"A": {"Type": "Wait", "Seconds": 5, "Next": "A2"}, "A2": {**PASS, "Output": "a"}}, {"B": {**PASS, "Output": "b"}}
            )
        },
        output=["a", "b"],
        seconds=5,
    ),
    Case(
        "branches start together and the exit follows the last of them",
        {"P": parallel({"A": PASS}, {"B": PASS})},
        value=[1, 2],
        output=[[1, 2], [1, 2]],
        events=visited(
            "Parallel",
            "ParallelStateStarted",
            *["PassStateEntered", "PassStateExited"] * 2,
            "ParallelStateSucceeded",
        ),
        links=[(4, 3), (5, 4), (6, 3), (7, 6), (8, 7), (9, 7), (10, 9)],
    ),
    Case(
        "branches get the arguments",
        {"P": parallel({"A": PASS}, Arguments={"x": "{% $states.input.n * 2 %}"})},
        value={"n": 4},
        output=[{"x": 8}],
    ),
    Case(
        "a parallel state has its own output",
        {"P": parallel({"A": {**PASS, "Output": 1}}, {"B": {**PASS, "Output": 2}}, Output="{% $sum($states.result) %}")},
        output=3,
    ),
    Case(
        "a fail state in a branch fails the parallel state",
        {"P": parallel({"A": FAILING})},
        status="FAILED",
        error="Broken",
        cause="for good",
        events=["ParallelStateEntered", "ParallelStateStarted", "FailStateEntered", "ParallelStateFailed"],
        links=[(4, 3), (5, 4), (6, 5)],
    ),
    Case(
        "a failing branch stops the others",
        {
            "P": parallel(
                {"A": {"Type": "Wait", "Seconds": 2, "Next": "A2"}, "A2": FAILING},
                {"B": {"Type": "Wait", "Seconds": 500, "End": True}},
            )
        },
        status="FAILED",
        error="Broken",
        seconds=2,
    ),
    Case(
        "a failing branch is caught",
        {
            "P": parallel({"A": FAILING}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "C"}]),
            "C": {**CAUGHT, "Output": "{% $states.input.Error %}"},
        },
        output="Broken",
    ),
    Case(
        "a parallel state is tried again as a whole",
        {"P": parallel({"A": CALL}, {"B": {**PASS, "Output": "b"}}, Retry=[{"ErrorEquals": ["A"], "IntervalSeconds": 3}])},
        script={"F": [Raises("A"), Raises("A"), "a"]},
        output=["a", "b"],
        seconds=9,
    ),
    Case(
        "a runtime error in a branch ends the execution and cannot be caught",
        {
            "P": parallel(
                {"A": {"Type": "Choice", "Choices": [{"Condition": False, "Next": "A2"}]}, "A2": PASS},
                Catch=[{"ErrorEquals": ["States.ALL"], "Next": "C"}],
            ),
            "C": CAUGHT,
        },
        status="FAILED",
        error="States.Runtime",
        cause="An error occurred while executing the state 'A' (entered at the event id #4).",
        events=["ParallelStateEntered", "ParallelStateStarted", "ChoiceStateEntered"],
    ),
    Case(
        "a map inside a branch",
        {"P": parallel({"M": inline({"I": {**PASS, "Output": "{% $states.input + 1 %}"}}, End=True)})},
        value=[1, 2],
        output=[[2, 3]],
    ),
    Case(
        "branches inside an iteration see its item",
        {"M": inline({"P": parallel({"A": {**PASS, "Output": "{% $states.context.Map.Item.Index %}"}})}, End=True)},
        value=["a", "b"],
        output=[[0], [1]],
    ),
    Case(
        "the machine's time limit ends branches",
        {"P": parallel({"A": {"Type": "Wait", "Seconds": 50, "End": True}}, {"B": PASS})},
        fields={"TimeoutSeconds": 7},
        status="TIMED_OUT",
        seconds=7,
    ),
]
