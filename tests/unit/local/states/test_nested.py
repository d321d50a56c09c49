"""Executions that start others, and go on at once or wait for their end."""

import json
from typing import Any

from flowforge.local.states.execution import Execution
from flowforge.local.states.service import StatesService
from unit.local.states_lab import ROLE, Ended, machine, run, single

ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:Child"
CHILD = "arn:aws:states:us-east-1:000000000000:execution:Child:one"
START = "arn:aws:states:::states:startExecution"
WAITING = {"Type": "Wait", "Seconds": 30}


def starting(resource: str, **arguments: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "Arguments": {"StateMachineArn": ARN, "Name": "one", **arguments}}


def parent(state: dict[str, Any], child: dict[str, Any] | None = None, **fields: Any) -> tuple[Ended, Execution | None]:
    """Run a parent of one state beside a state machine named Child, and give both executions."""
    found: list[StatesService] = []
    definition = machine({"W": {"Type": "Wait", "Seconds": 1, "Next": "S"}, "S": {**state, "End": True}}, **fields)

    def create(service: StatesService, _: Execution) -> None:
        found.append(service)
        if child is not None:
            service.machines.create("Child", json.dumps(single(child)), ROLE)

    ended = run(definition, meanwhile=create)
    executions = {item.arn: item for item in found[0].executions(ARN)} if child is not None else {}
    return ended, executions.get(CHILD)


def test_a_parent_starts_a_child_and_goes_on() -> None:
    ended, child = parent(starting(START, Input={"a": 1}), WAITING)
    assert child is not None
    assert (ended.output["ExecutionArn"], child.value, ended.duration.total_seconds()) == (CHILD, {"a": 1}, 1)
    assert ended.output.keys() == {"ExecutionArn", "StartDate", "SdkHttpMetadata", "SdkResponseMetadata"}
    assert ended.details("TaskStarted") == [{"resourceType": "states", "resource": "startExecution"}]


def test_a_parent_waits_for_its_child_and_takes_its_output() -> None:
    ended, child = parent(starting(f"{START}.sync:2", Input={"a": 1}), WAITING)
    assert child is not None
    assert ended.duration.total_seconds() == 31
    assert (ended.output["Output"], ended.output["Status"], ended.output["Name"]) == ({"a": 1}, "SUCCEEDED", "one")
    assert [kind for kind in ended.kinds if kind.startswith("Task")] == [
        *["TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "TaskStateExited"]
    ]


def test_a_childs_failure_is_the_parents_failed_task() -> None:
    ended, _ = parent(starting(f"{START}.sync:2"), {"Type": "Pass", "Output": "{% $states.input.absent %}"})
    error, cause = ended.failure
    told = json.loads(str(cause))
    assert (error, told["Status"], told["Error"]) == ("States.TaskFailed", "FAILED", "States.QueryEvaluationError")


def test_a_missing_machine_is_named_as_aws_names_it() -> None:
    ended, _ = parent(starting(START))
    error, cause = ended.failure
    assert error == "StepFunctions.StateMachineDoesNotExistException"
    assert str(cause).startswith(f"State Machine Does Not Exist: '{ARN}' (Service: AWSStepFunctions; Status Code: 400; ")


def test_a_name_that_is_taken_is_named_as_aws_names_it() -> None:
    catch = [{"ErrorEquals": ["StepFunctions.ExecutionAlreadyExistsException"], "Next": "E"}]
    states = {
        "W": {"Type": "Wait", "Seconds": 1, "Next": "A"},
        "A": {**starting(f"{START}.sync:2"), "Next": "B"},
        "B": {**starting(START), "Catch": catch, "End": True},
        "E": {"Type": "Succeed", "Output": "taken"},
    }

    def create(service: StatesService, _: Execution) -> None:
        service.machines.create("Child", json.dumps(single({"Type": "Pass"})), ROLE)

    assert run(machine(states), meanwhile=create).output == "taken"


def test_a_parent_that_gives_up_stops_its_child() -> None:
    _, child = parent({**starting(f"{START}.sync:2"), "TimeoutSeconds": 5}, WAITING)
    assert child is not None
    assert child.status.value == "ABORTED"
