"""Variables: when they are set, who reads them, and how they are told."""

from typing import Any

from statemachine.cases.case import Case
from unit.local.states_lab import Raises, task

READ = {"Type": "Pass", "Output": "{% $x %}", "End": True}


def inline(states: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Map", "ItemProcessor": {"StartAt": next(iter(states)), "States": states}, **fields}


def branch(states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


CASES = [
    Case("a variable is there for the next state", {"A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"}, "B": READ}, output=1),
    Case(
        "a variable is not there for its own state",
        {"A": {"Type": "Pass", "Assign": {"x": 1}, "Output": "{% $exists($x) %}", "End": True}},
        output=False,
    ),
    Case(
        "assignments see the variables as they were",
        {
            "A": {"Type": "Pass", "Assign": {"x": 1, "y": 2}, "Next": "B"},
            "B": {"Type": "Pass", "Assign": {"x": "{% $y %}", "y": "{% $x %}"}, "Next": "C"},
            "C": {"Type": "Pass", "Output": "{% [$x, $y] %}", "End": True},
        },
        output=[2, 1],
    ),
    Case(
        "an expression inside an assigned object",
        {"A": {"Type": "Pass", "Assign": {"x": {"deep": ["{% 1 + 1 %}"]}}, "Next": "B"}, "B": READ},
        output={"deep": [2]},
    ),
    Case("a variable may hold null", {"A": {"Type": "Pass", "Assign": {"x": None}, "Next": "B"}, "B": READ}, output=None),
    Case(
        "a failing assignment fails the state",
        {"A": {"Type": "Pass", "Assign": {"x": "{% $states.input.absent %}"}, "Next": "B"}, "B": READ},
        status="FAILED",
        error="States.QueryEvaluationError",
        cause="'Assign/x'",
        events=["PassStateEntered", "EvaluationFailed"],
    ),
    Case(
        "a choice rule assigns for its own way",
        {
            "C": {
                "Type": "Choice",
                "Assign": {"x": "default"},
                "Choices": [{"Condition": True, "Assign": {"x": "rule"}, "Next": "B"}],
                "Default": "B",
            },
            "B": READ,
        },
        output="rule",
    ),
    Case(
        "a default takes the state's own assignment",
        {
            "C": {
                "Type": "Choice",
                "Assign": {"x": "default"},
                "Choices": [{"Condition": False, "Assign": {"x": "rule"}, "Next": "B"}],
                "Default": "B",
            },
            "B": READ,
        },
        output="default",
    ),
    Case(
        "a failed task assigns nothing but what its catcher does",
        {
            "A": {"Type": "Pass", "Assign": {"x": "before"}, "Next": "T"},
            "T": task(Assign={"x": "after"}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B"}], Next="B"),
            "B": READ,
        },
        script={"F": Raises("A")},
        output="before",
    ),
    Case(
        "an iteration reads what is outside",
        {
            "A": {"Type": "Pass", "Assign": {"x": 5}, "Next": "M"},
            "M": inline({"I": {"Type": "Pass", "Output": "{% $x * $states.input %}", "End": True}}, End=True),
        },
        value=[1, 2],
        output=[5, 10],
    ),
    Case(
        "an iteration keeps its variables from its siblings",
        {
            "M": inline(
                {
                    "I": {"Type": "Pass", "Output": "{% $exists($y) %}", "Next": "J"},
                    "J": {"Type": "Pass", "Assign": {"y": 1}, "End": True},
                },
                MaxConcurrency=1,
                End=True,
            )
        },
        value=[1, 2],
        output=[False, False],
    ),
    Case(
        "an iteration keeps its variables to itself",
        {
            "M": inline({"I": {"Type": "Pass", "Assign": {"y": 1}, "End": True}}, Next="E"),
            "E": {"Type": "Pass", "Output": "{% $exists($y) %}", "End": True},
        },
        value=[1],
        output=False,
    ),
    Case(
        "siblings may use the same name",
        {
            "P": {
                "Type": "Parallel",
                "Branches": [
                    branch(
                        {
                            "A1": {"Type": "Pass", "Assign": {"y": 1}, "Next": "A2"},
                            "A2": {"Type": "Pass", "Output": "{% $y %}", "End": True},
                        }
                    ),
                    branch(
                        {
                            "B1": {"Type": "Pass", "Assign": {"y": 2}, "Next": "B2"},
                            "B2": {"Type": "Pass", "Output": "{% $y %}", "End": True},
                        }
                    ),
                ],
                "End": True,
            }
        },
        output=[1, 2],
    ),
    Case(
        "a map hands results to outer variables by its own assignment",
        {"M": inline({"I": {"Type": "Pass", "End": True}}, Assign={"x": "{% $states.result %}"}, Next="E"), "E": READ},
        value=[1, 2],
        output=[1, 2],
    ),
    Case(
        "a selector reads variables and the item",
        {
            "A": {"Type": "Pass", "Assign": {"x": 7}, "Next": "M"},
            "M": inline(
                {"I": {"Type": "Pass", "End": True}},
                ItemSelector={"i": "{% $states.context.Map.Item.Index %}", "v": "{% $states.context.Map.Item.Value + $x %}"},
                End=True,
            ),
        },
        value=[1, 2],
        output=[{"i": 0, "v": 8}, {"i": 1, "v": 9}],
    ),
    Case(
        "assigned values above the limit fail the state",
        {
            "A": {"Type": "Pass", "Assign": {"x": "{% $join($map([1..30000], function($i) { '0123456789' })) %}"}, "Next": "B"},
            "B": READ,
        },
        status="FAILED",
        error="States.DataLimitExceeded",
    ),
]
