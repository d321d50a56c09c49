"""ecs:runTask.sync with real processes: results, causes, events, and what becomes of a task that nobody waits for any more."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from flowforge.local import ecs_tasks
from flowforge.local.ecs_tasks import TaskHost
from flowforge.local.states.execution import Execution
from flowforge.local.states.journal import FolderJournal, Journal, NoJournal
from flowforge.local.states.run_task import RunTaskAndWait
from flowforge.local.states.service import StatesService
from unit.local.conftest import Eventually
from unit.local.states_lab import ROLE, Ended, ScriptedFunctions, machine, single
from unit.local.tasks_lab import MakeTasks, arguments

RUN = "arn:aws:states:us-east-1:000000000000:execution:Test:run"
LABELS = {"resourceType": "ecs", "resource": "runTask.sync"}


def state(*command: str, **others: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {name: others.pop(name) for name in ("TimeoutSeconds", "Catch", "Retry", "Next") if name in others}
    return {"Type": "Task", "Resource": RunTaskAndWait.arn, "Arguments": arguments(*command, **others), **fields}


def perform(
    host: TaskHost,
    definition: dict[str, Any],
    *,
    journal: Journal | None = None,
    when: Callable[[], bool] | None = None,
    act: Callable[[StatesService], object] = id,
) -> Ended:
    """Run a machine on the real clock; ``act`` happens as soon as ``when`` holds, and a closed service leaves its run."""

    async def main() -> Execution:
        service = StatesService([RunTaskAndWait(host)], journal=journal or NoJournal())
        service.recover()
        test = service.machines.create("Test", json.dumps(definition), ROLE)
        known = {execution.arn for execution in service.executions(test.arn)}
        execution = service.execution(RUN) if RUN in known else service.start_execution(test.arn, "{}", "run")
        assert execution.task is not None
        while when is not None and not when():
            await asyncio.sleep(0.01)
        acted = act(service)
        if asyncio.iscoroutine(acted):
            await acted
        await asyncio.gather(execution.task, return_exceptions=True)
        return execution

    return Ended(asyncio.run(asyncio.wait_for(main(), 30)), ScriptedFunctions({}))


def pid_in(path: Path) -> Callable[[], bool]:
    return lambda: path.exists() and path.read_text() != ""


def gone(path: Path) -> Callable[[], bool]:
    return lambda: not psutil.pid_exists(int(path.read_text()))


def test_a_task_gives_its_description(make_tasks: MakeTasks) -> None:
    ended = perform(make_tasks(), single(state("exit", "0")))
    assert ended.status == "SUCCEEDED", ended.failure
    assert ended.kinds == [
        "ExecutionStarted",
        *["TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "TaskStateExited"],
        "ExecutionSucceeded",
    ]
    output = ended.output
    assert (output["LastStatus"], output["StopCode"], output["StartedBy"]) == (
        "STOPPED",
        "EssentialContainerExited",
        "AWS Step Functions",
    )
    assert [(container["Name"], container["ExitCode"]) for container in output["Containers"]] == [("worker", 0)]
    assert ended.details("TaskStarted") == [LABELS]
    [submitted] = ended.details("TaskSubmitted")
    assert {name: submitted[name] for name in LABELS} == LABELS
    answer = json.loads(submitted["output"])
    assert list(answer) == ["Failures", "SdkHttpMetadata", "SdkResponseMetadata", "Tasks"]
    [task] = answer["Tasks"]
    assert (answer["Failures"], task["TaskArn"], task["DesiredStatus"]) == ([], output["TaskArn"], "RUNNING")


def test_an_exit_code_fails_the_task_with_its_description_as_the_cause(make_tasks: MakeTasks) -> None:
    ended = perform(make_tasks(), single(state("exit", "3")))
    error, cause = ended.failure
    told = json.loads(str(cause))
    assert (error, told["Containers"][0]["ExitCode"], told["StopCode"]) == (
        "States.TaskFailed",
        3,
        "EssentialContainerExited",
    )
    assert ended.kinds[-3:] == ["TaskSubmitted", "TaskFailed", "ExecutionFailed"]


def test_a_task_that_could_not_start_fails_alike(make_tasks: MakeTasks, tmp_path: Path) -> None:
    host = make_tasks()
    (tmp_path / "project/functions/worker/worker.py").rename(tmp_path / "elsewhere")
    (tmp_path / "project/functions/worker").rmdir()
    error, cause = perform(host, single(state("exit", "0"))).failure
    told = json.loads(str(cause))
    assert (error, told["StopCode"]) == ("States.TaskFailed", "TaskFailedToStart")


@pytest.mark.parametrize(
    ("changed", "error", "code"),
    [
        ({"Cluster": "none"}, "ECS.ClusterNotFoundException", "ClusterNotFoundException"),
        ({"TaskDefinition": "none"}, "ECS.ClientException", "ClientException"),
        ({"ClientToken": "x" * 65}, "ECS.InvalidParameterException", "InvalidParameterException"),
    ],
)
def test_a_refusal_is_named_as_aws_names_it(make_tasks: MakeTasks, changed: dict[str, Any], error: str, code: str) -> None:
    ended = perform(make_tasks(), single(state("exit", "0", **changed)))
    assert ended.failure[0] == error
    assert f"(Service: AmazonECS; Status Code: 400; Error Code: {code}; Request ID: " in str(ended.failure[1])
    assert str(ended.failure[1]).endswith("; Proxy: null)")
    assert ended.kinds[-3:] == ["TaskStarted", "TaskFailed", "ExecutionFailed"]


def test_a_task_that_is_not_placed_is_an_unknown_failure(make_tasks: MakeTasks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecs_tasks, "LARGEST_COUNT", 0)
    error, cause = perform(make_tasks(), single(state("exit", "0"))).failure
    assert error == "AmazonECS.Unknown"
    assert json.loads(str(cause))["Failures"][0]["Reason"].startswith("Capacity is unavailable")


def test_arguments_that_are_none_of_runtasks_end_the_execution(make_tasks: MakeTasks) -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    states = {"S": state("exit", "0", Tags="none", Catch=catch, Next="Caught"), "Caught": {"Type": "Succeed"}}
    error, cause = perform(make_tasks(), machine(states)).failure
    assert error == "States.Runtime"
    assert "could not be used to start the Task" in str(cause)


def test_a_time_limit_stops_the_task(make_tasks: MakeTasks, tmp_path: Path, eventually: Eventually) -> None:
    here = tmp_path / "here"
    # Time enough for the task to begin, also on a machine that is busy.
    ended = perform(make_tasks(), single(state("wait", str(here), TimeoutSeconds=4)))
    assert ended.failure[0] == "States.Timeout"
    assert ended.kinds[-3:] == ["TaskSubmitted", "TaskTimedOut", "ExecutionFailed"]
    eventually(gone(here))


def test_a_stopped_execution_stops_its_task(make_tasks: MakeTasks, tmp_path: Path, eventually: Eventually) -> None:
    here = tmp_path / "here"
    definition = single(state("wait", str(here)))
    ended = perform(make_tasks(), definition, when=pid_in(here), act=lambda service: service.stop_execution(RUN))
    assert ended.status == "ABORTED"
    eventually(gone(here))


def test_a_repeated_token_waits_for_the_task_that_was_started(make_tasks: MakeTasks, tmp_path: Path) -> None:
    here = tmp_path / "runs"
    task = {**state("count", str(here), ClientToken="one"), "End": True}
    branches = [{"StartAt": name, "States": {name: task}} for name in ("A", "B")]
    ended = perform(make_tasks(), single({"Type": "Parallel", "Branches": branches}))
    first, second = ended.output
    assert (here.read_text(), first["TaskArn"]) == ("x", second["TaskArn"])


def test_a_retry_with_its_count_in_the_token_starts_another_task(make_tasks: MakeTasks) -> None:
    token = "{% 'run-' & $string($states.context.State.RetryCount) %}"
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    ended = perform(make_tasks(), single(state("exit", "1", ClientToken=token, Retry=retry)))
    tasks = {json.loads(details["output"])["Tasks"][0]["TaskArn"] for details in ended.details("TaskSubmitted")}
    assert len(tasks) == 2


def test_a_task_that_was_cut_off_is_started_again_by_the_next_stack(
    make_tasks: MakeTasks, tmp_path: Path, eventually: Eventually
) -> None:
    here = tmp_path / "here"
    definition = single(state("wait once", str(here), ClientToken="run-1"))
    journal = FolderJournal(tmp_path / "executions")
    first = make_tasks()
    cut = perform(first, definition, journal=journal, when=pid_in(here), act=StatesService.close)
    first.close()
    assert cut.status == "RUNNING"
    eventually(gone(here))
    ended = perform(make_tasks(), definition, journal=FolderJournal(tmp_path / "executions"))
    assert ended.status == "SUCCEEDED", ended.failure
    assert ended.kinds.count("TaskSubmitted") == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Resource": "arn:aws:states:::ecs:runTask"}, "ecs:runTask' is not supported"),
        ({"Resource": "arn:aws:states:::ecs:runTask.waitForTaskToken"}, "runTask.waitForTaskToken' is not supported"),
        ({"Arguments": {}}, "The field 'TaskDefinition' is required"),
        ({"Arguments": {"TaskDefinition": "t", "PlacementStrategy": []}}, "/States/S/Arguments/PlacementStrategy"),
    ],
)
def test_resources_and_arguments_are_checked_when_the_machine_is_created(
    make_tasks: MakeTasks, changed: dict[str, Any], message: str
) -> None:
    service = StatesService([RunTaskAndWait(make_tasks())])
    with pytest.raises(Exception, match="InvalidDefinition") as refused:
        service.machines.create("Test", json.dumps(single({**state("exit", "0"), **changed})), ROLE)
    assert message in str(refused.value)
