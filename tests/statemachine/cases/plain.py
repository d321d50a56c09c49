"""Pass, Choice, Wait, Succeed and Fail; expressions, output and context."""

from statemachine.cases.case import Case, visited
from unit.local.states_lab import DAWN

PASS = {"Type": "Pass", "End": True}
NOTHING = "specified for the field 'Output/v' returned nothing (undefined)."


def output(expression: str) -> dict[str, object]:
    return {"S": {**PASS, "Output": f"{{% {expression} %}}"}}


AGE_RULES = {
    "C": {
        "Type": "Choice",
        "Default": "Unknown",
        "Choices": [
            {"Condition": "{% $states.input.kind = 'public' %}", "Next": "Public"},
            {
                "Condition": "{% $exists($states.input.n) and $states.input.n >= 20 and $states.input.n < 30 %}",
                "Next": "Twenties",
            },
        ],
    },
    "Public": PASS,
    "Twenties": PASS,
    "Unknown": {"Type": "Fail", "Error": "NoMatch", "Cause": "nothing matched"},
}

CASES = [
    Case(
        "a pass state hands on what it gets",
        {"S": PASS},
        value={"v": "text"},
        output={"v": "text"},
        events=visited("Pass"),
        links=[(2, 0), (3, 2), (4, 3)],
    ),
    Case(
        "an output may be a constant",
        {"S": {**PASS, "Output": [None, 0, 0.1, True, "$.a", "$$", {}]}},
        output=[None, 0, 0.1, True, "$.a", "$$", {}],
    ),
    Case(
        "an output may be an expression of input values", output("$sum($states.input.xs) + 1"), value={"xs": [1, 2, 3]}, output=7
    ),
    Case("a regular expression gives a boolean", output("$contains('abracadabra', /a.*a/)"), output=True),
    Case("a regular expression that does not match", output("$contains('abracadabra', /z/)"), output=False),
    Case("an array of one stays an array where brackets make it", output("[$states.input.x]"), value={"x": 1}, output=[1]),
    Case(
        "a sequence of one is the value alone",
        output("$states.input.xs[y > 1]"),
        value={"xs": [{"y": 1}, {"y": 2}]},
        output={"y": 2},
    ),
    Case(
        "an empty object and an empty array are values",
        {"S": {**PASS, "Output": {"o": "{% {} %}", "a": "{% [] %}"}}},
        output={"o": {}, "a": []},
    ),
    Case(
        "nothing fails the state and names the field",
        {"S": {**PASS, "Output": {"v": "{% $states.input.absent %}"}}},
        status="FAILED",
        error="States.QueryEvaluationError",
        cause=f"An error occurred while executing the state 'S' (entered at the event id #2). The JSONata expression "
        f"'$states.input.absent' {NOTHING}",
        events=["PassStateEntered", "EvaluationFailed"],
        links=[(3, 2), (4, 3)],
    ),
    Case("an unknown variable is nothing", output("$unknown"), status="FAILED", error="States.QueryEvaluationError"),
    Case(
        "a wrong argument is told with its code",
        output("$abs('a')"),
        status="FAILED",
        error="States.QueryEvaluationError",
        cause='T0410: Argument 1 of function "abs" does not match function signature',
    ),
    Case(
        "division by zero is out of range", output("1 / 0"), status="FAILED", error="States.QueryEvaluationError", cause="D1001"
    ),
    Case("an infinite number inside a value is a word", output("{'k': 1 / 0}"), output={"k": "Infinity"}),
    Case("null counts as one", output("$count(null)"), output=1),
    Case("eval is taken away", output("$eval('1 + 1')"), status="FAILED", error="States.QueryEvaluationError", cause="T1006"),
    Case(
        "a function is no result",
        output("$sum"),
        status="FAILED",
        error="States.QueryEvaluationError",
        cause="unsupported result type",
    ),
    Case("partition cuts an array", output("$partition([1..5], 2)"), output=[[1, 2], [3, 4], [5]]),
    Case("range counts with a step", output("$range(1, 9, 2)"), output=[1, 3, 5, 7, 9]),
    Case("range counts down", output("$range(3, 1, -1)"), output=[3, 2, 1]),
    Case("parse reads JSON", output("$parse('{\"a\": [1, null]}').a"), output=[1, None]),
    Case("hash gives the digest", output("$hash('input data', 'SHA-1')"), output="aaff4a450a104cd177d28d18d74485e8cae074b7"),
    Case("uuid gives a version 4 uuid", output("$length($uuid())"), output=36),
    Case("random lies below one", output("($r := $random(); $r >= 0 and $r < 1)"), output=True),
    Case(
        "a choice takes a rule by what it computes",
        AGE_RULES,
        value={"kind": "private", "n": 22},
        output={"kind": "private", "n": 22},
        events=[*visited("Choice"), *visited("Pass")],
        links=[(2, 0), (3, 2), (4, 3), (5, 4), (6, 5)],
    ),
    Case("the first rule wins", AGE_RULES, value={"kind": "public", "n": 22}, events=[*visited("Choice"), *visited("Pass")]),
    Case(
        "a default leads to a fail state",
        AGE_RULES,
        value={"kind": "private"},
        status="FAILED",
        error="NoMatch",
        cause="nothing matched",
        events=[*visited("Choice"), "FailStateEntered"],
    ),
    Case(
        "a condition that is no boolean fails the state",
        {"C": {"Type": "Choice", "Choices": [{"Condition": "{% 'yes' %}", "Next": "E"}], "Default": "E"}, "E": PASS},
        status="FAILED",
        error="States.QueryEvaluationError",
        cause="Choices[0]/Condition",
    ),
    Case("a wait of no seconds", {"S": {"Type": "Wait", "Seconds": 0, "End": True}}, events=visited("Wait"), seconds=0),
    Case(
        "a wait by an expression",
        {"S": {"Type": "Wait", "Seconds": "{% $states.input.s %}", "End": True}},
        value={"s": 90},
        seconds=90,
    ),
    Case("a wait until a moment", {"S": {"Type": "Wait", "Timestamp": "2026-11-23T07:00:00Z", "End": True}}, seconds=3600),
    Case(
        "a wait until a moment with an offset",
        {"S": {"Type": "Wait", "Timestamp": "2026-11-23T07:00:00+01:00", "End": True}},
        seconds=0,
    ),
    Case(
        "a wait until a moment by an expression",
        {"S": {"Type": "Wait", "Timestamp": "{% $fromMillis($toMillis($states.input.from) + 5000) %}", "End": True}},
        value={"from": DAWN.isoformat().replace("+00:00", "Z")},
        seconds=5,
        events=visited("Wait"),
    ),
    Case(
        "a wait until a moment that has passed",
        {"S": {"Type": "Wait", "Timestamp": "2001-01-01T00:00:00Z", "End": True}},
        seconds=0,
    ),
    Case(
        "a wait until no moment",
        {"S": {"Type": "Wait", "Timestamp": "{% 'soon' %}", "End": True}},
        status="FAILED",
        error="States.QueryEvaluationError",
        cause="'Timestamp'",
    ),
    Case("succeed is entered and left", {"S": {"Type": "Succeed"}}, events=visited("Succeed")),
    Case(
        "fail with an error alone",
        {"S": {"Type": "Fail", "Error": "{% $states.input.e %}"}},
        value={"e": "Exception"},
        status="FAILED",
        error="Exception",
        events=["FailStateEntered"],
        links=[(2, 0), (3, 2)],
    ),
    Case(
        "fail with a cause alone",
        {"S": {"Type": "Fail", "Cause": "{% 'be' & 'cause' %}"}},
        status="FAILED",
        error=None,
        cause="because",
    ),
    Case("fail with neither", {"S": {"Type": "Fail"}}, status="FAILED", error=None),
    Case("the context names the state", output("$states.context.State.Name"), output="S"),
    Case("a state that does not retry has no retry count", output("$exists($states.context.State.RetryCount)"), output=False),
    Case("there is no task token without a callback", output("$exists($states.context.Task)"), output=False),
    Case(
        "a machine's time limit",
        {"S": {"Type": "Wait", "Seconds": 100, "End": True}},
        fields={"TimeoutSeconds": 5},
        status="TIMED_OUT",
        seconds=5,
        error=None,
        events=["WaitStateEntered"],
        links=[(3, 0)],
    ),
    Case(
        "an output above the limit ends the execution",
        output("$join($map([1..30000], function($i) { 'ääääääää' }))"),
        status="FAILED",
        error="States.DataLimitExceeded",
        cause="The state/task 'S' returned a result with a size exceeding the maximum number of bytes service limit.",
    ),
]
