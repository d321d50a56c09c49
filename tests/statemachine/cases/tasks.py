"""Task: results, failures, retries, catchers, time limits and functions named by their ARN."""

from typing import Any

from statemachine.cases.case import Case, attempt, visited
from unit.local.states_lab import Raises, Takes, task

TAKEN = "{% $states.result.Payload %}"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:F"
CAUGHT = {"Type": "Pass", "End": True}
LARGE = "x" * 300_000
TOO_LARGE = "returned a result with a size exceeding the maximum number of bytes service limit."


def alone(**fields: Any) -> dict[str, Any]:
    return {"S": task(End=True, **fields)}


def catching(*names: str, **fields: Any) -> dict[str, Any]:
    catcher = {"ErrorEquals": list(names), "Next": "Caught", **fields.pop("catcher", {})}
    return {"S": task(Catch=[catcher], End=True, **fields), "Caught": CAUGHT}


def direct(**fields: Any) -> dict[str, Any]:
    return {"S": {"Type": "Task", "Resource": FUNCTION, "End": True, **fields}}


def retry(*names: str, **fields: Any) -> dict[str, Any]:
    return {"ErrorEquals": list(names), **fields}


def on_fargate(**fields: Any) -> dict[str, Any]:
    arguments = {
        "LaunchType": "FARGATE",
        "Cluster": "batch",
        "TaskDefinition": "Worker",
        "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}},
    }
    return {"S": {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "Arguments": arguments, "End": True, **fields}}


CASES = [
    Case(
        "a task leaves the events of one attempt",
        alone(Output=TAKEN),
        script={"F": "done"},
        output="done",
        events=visited("Task", *attempt("Succeeded")),
        links=[(2, 0), (3, 2), (4, 3), (5, 4), (6, 5), (7, 6)],
    ),
    Case(
        "a task without an output gives its whole result",
        alone(Output="{% $keys($states.result) %}"),
        script={"F": 1},
        output=["ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode"],
    ),
    Case(
        "an error is its type, the cause its payload",
        alone(),
        script={"F": Raises("Exception", "Some exception was raised.")},
        status="FAILED",
        error="Exception",
        cause='"errorMessage": "Some exception was raised."',
        events=["TaskStateEntered", *attempt("Failed")],
        links=[(6, 5)],
    ),
    Case(
        "a catcher's output is what the next state gets",
        catching("States.ALL", catcher={"Output": {"in": "{% $states.input %}", "error": "{% $states.errorOutput.Error %}"}}),
        value={"d": "dummy"},
        script={"F": Raises("Exception")},
        output={"in": {"d": "dummy"}, "error": "Exception"},
        events=[*visited("Task", *attempt("Failed")), *visited("Pass")],
        links=[(6, 5), (7, 6)],
    ),
    Case(
        "an error without a type is caught by no type",
        catching("Exception", catcher={"Assign": {"e": "{% $states.errorOutput.Error %}"}}),
        script={"F": Raises(None)},
        status="FAILED",
        error="Lambda.Unknown",
    ),
    Case(
        "a catcher assigns what it saw",
        {
            **catching("Exception", catcher={"Assign": {"e": "{% $states.errorOutput.Error %}"}}),
            "Caught": {**CAUGHT, "Output": "{% $e %}"},
        },
        script={"F": Raises("Exception")},
        output="Exception",
    ),
    Case(
        "the first catcher that matches takes the error",
        {
            "S": task(
                Catch=[retry("A", Next="One"), retry("States.TaskFailed", Next="Two"), retry("States.ALL", Next="One")], End=True
            ),
            "One": {**CAUGHT, "Output": 1},
            "Two": {**CAUGHT, "Output": 2},
        },
        script={"F": Raises("B")},
        output=2,
    ),
    Case(
        "a failure that no catcher names ends the execution",
        catching("Other"),
        script={"F": Raises("A")},
        status="FAILED",
        error="A",
    ),
    Case(
        "a function that is not there",
        catching("Lambda.ResourceNotFoundException"),
        events=[*visited("Task", *attempt("Failed")), *visited("Pass")],
    ),
    Case(
        "a task's time limit",
        alone(TimeoutSeconds=5),
        script={"F": Takes(60)},
        status="FAILED",
        error="States.Timeout",
        events=["TaskStateEntered", *attempt("TimedOut")],
        links=[(5, 4), (6, 5)],
        seconds=5,
    ),
    Case("a time limit that is not reached", alone(TimeoutSeconds="{% 1 %}", Output=TAKEN), script={"F": {}}, output={}),
    Case(
        "a time limit is caught by its name",
        catching("States.Timeout", TimeoutSeconds=1),
        script={"F": Takes(2)},
        output={"Error": "States.Timeout", "Cause": ""},
    ),
    Case(
        "a time limit is no failed task",
        catching("States.TaskFailed", TimeoutSeconds=1),
        script={"F": Takes(2)},
        status="FAILED",
        error="States.Timeout",
    ),
    Case(
        "each attempt has the whole time limit",
        alone(TimeoutSeconds=3, Retry=[retry("States.Timeout", MaxAttempts=1, IntervalSeconds=4)]),
        script={"F": Takes(9)},
        status="FAILED",
        seconds=10,
    ),
    Case(
        "an attempt follows the failure before it",
        alone(Retry=[retry("A", MaxAttempts=2)], Output=TAKEN),
        script={"F": [Raises("A"), Raises("A"), "third"]},
        output="third",
        events=visited("Task", *attempt("Failed", "Failed", "Succeeded")),
        links=[(6, 5), (9, 8)],
        seconds=3,
    ),
    Case(
        "delays grow by the rate up to the maximum",
        alone(Retry=[retry("A", IntervalSeconds=3, BackoffRate=3, MaxAttempts=4, MaxDelaySeconds=20)]),
        script={"F": Raises("A")},
        status="FAILED",
        seconds=3 + 9 + 20 + 20,
    ),
    Case(
        "a rate of one keeps the delay",
        alone(Retry=[retry("A", IntervalSeconds=5, BackoffRate=1.0, MaxAttempts=3)]),
        script={"F": Raises("A")},
        status="FAILED",
        seconds=15,
    ),
    Case(
        "retriers have counters of their own",
        alone(Retry=[retry("A", MaxAttempts=1), retry("B", MaxAttempts=1)]),
        script={"F": [Raises("A"), Raises("B"), Raises("A")]},
        status="FAILED",
        error="A",
        events=["TaskStateEntered", *attempt("Failed", "Failed", "Failed")],
    ),
    Case(
        "a retrier that is used up leads to the catchers",
        catching("A", Retry=[retry("A", MaxAttempts=1)]),
        script={"F": Raises("A")},
        events=[*visited("Task", *attempt("Failed", "Failed")), *visited("Pass")],
    ),
    Case(
        "no attempts means no retry",
        alone(Retry=[retry("A", MaxAttempts=0)]),
        script={"F": Raises("A")},
        status="FAILED",
        events=["TaskStateEntered", *attempt("Failed")],
    ),
    Case(
        "the retry count is there for the output",
        alone(Retry=[retry("States.ALL")], Output="{% $states.context.State.RetryCount %}"),
        script={"F": [Raises("A"), Raises("B"), 1]},
        output=2,
    ),
    Case(
        "the retry count is there for the arguments",
        {
            "S": {
                **task(End=True, Output=TAKEN, Retry=[retry("A")]),
                "Arguments": {"FunctionName": "F", "Payload": "{% $states.context.State.RetryCount %}"},
            }
        },
        script={"F": [Raises("A"), lambda event: event]},
        output=1,
    ),
    Case(
        "a failing output is tried again as a task is",
        alone(Output="{% $states.result.absent %}", Retry=[retry("States.QueryEvaluationError", MaxAttempts=1)]),
        script={"F": 1},
        status="FAILED",
        error="States.QueryEvaluationError",
        events=["TaskStateEntered", *attempt("Succeeded"), "EvaluationFailed", *attempt("Succeeded"), "EvaluationFailed"],
    ),
    Case(
        "a failing argument is caught",
        {
            **catching("States.QueryEvaluationError"),
            "S": {**catching("States.QueryEvaluationError")["S"], "Arguments": {"FunctionName": "{% $states.input.absent %}"}},
        },
        events=[*visited("Task", "EvaluationFailed"), *visited("Pass")],
    ),
    Case(
        "a result above the limit fails the task",
        catching("States.DataLimitExceeded"),
        script={"F": LARGE},
        output={"Error": "States.DataLimitExceeded", "Cause": f"The state/task 'lambda' {TOO_LARGE}"},
        events=[*visited("Task", *attempt("Failed")), *visited("Pass")],
    ),
    Case(
        "a result above the limit is caught with everything else",
        catching("States.ALL"),
        script={"F": "ä" * 140_000},
        events=[*visited("Task", *attempt("Failed")), *visited("Pass")],
    ),
    Case(
        "a function by its ARN gives its answer alone",
        direct(Arguments={"x": "{% $states.input.n + 1 %}"}, Output={"all": "{% $states.result %}"}),
        value={"n": 1},
        script={"F": lambda event: event},
        output={"all": {"x": 2}},
        events=visited("Task", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"),
        links=[(3, 2), (4, 3), (5, 4), (6, 5)],
    ),
    Case(
        "a function by its ARN gets the input where there are no arguments",
        direct(),
        value={"n": 1},
        script={"F": lambda event: event},
        output={"n": 1},
    ),
    Case(
        "a function by its ARN that fails",
        direct(),
        script={"F": Raises("Exception")},
        status="FAILED",
        error="Exception",
        events=["TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionFailed"],
    ),
    Case(
        "a function by its ARN that takes too long",
        direct(TimeoutSeconds=5),
        script={"F": Takes(9)},
        status="FAILED",
        error="States.Timeout",
        seconds=5,
        events=["TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionTimedOut"],
    ),
    Case(
        "a function by its ARN is named where its answer is too large",
        direct(),
        script={"F": LARGE},
        status="FAILED",
        error="States.DataLimitExceeded",
        cause=f"The state/task '{FUNCTION}' {TOO_LARGE}",
    ),
    Case(
        "a task on Fargate is submitted, and succeeds when it has stopped",
        on_fargate(Output="{% $states.result.[StopCode, Containers[0].ExitCode] %}"),
        script={"Worker": Takes(90, 0)},
        output=["EssentialContainerExited", 0],
        events=visited("Task", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"),
        links=[(2, 0), (3, 2), (4, 3), (5, 4), (6, 5), (7, 6), (8, 7)],
        seconds=90,
    ),
    Case(
        "the members of a task's description are those that AWS gives",
        # Without those that only a network has, or that tell of an image.
        on_fargate(Output="{% $keys($states.result) %}"),
        script={"Worker": 0},
        output=[
            *["Attachments", "Attributes", "AvailabilityZone", "ClusterArn", "Containers", "Cpu", "CreatedAt"],
            *["DesiredStatus", "EnableExecuteCommand", "EphemeralStorage", "Group", "InferenceAccelerators", "LastStatus"],
            *["LaunchType", "Memory", "Overrides", "PlatformVersion", "StartedBy", "StopCode", "StoppedReason", "Tags"],
            *["TaskArn", "TaskDefinitionArn", "Version"],
        ],
    ),
    Case(
        "an essential container's exit code fails the task, its description the cause",
        on_fargate(),
        script={"Worker": 1},
        status="FAILED",
        error="States.TaskFailed",
        cause='"ExitCode":1',
        events=["TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskFailed"],
    ),
]
