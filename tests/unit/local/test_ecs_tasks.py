"""Tasks of ECS as processes: what runs, with which limits, how each end is told, and that nothing outlives the host."""

import json
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from flowforge.local import ecs_tasks
from flowforge.local.ecs_tasks import RunningTask, TaskHost
from flowforge.local.function_logs import LogLine
from flowforge.local.task_request import ArgumentsError, NotPlacedError, RunTaskError
from unit.local.conftest import Eventually
from unit.local.tasks_lab import FARGATE, MakeTasks, arguments


def begin(host: TaskHost, *command: str, **others: Any) -> RunningTask:
    return host.run(host.request(arguments(*command, **others)))


def finish(task: RunningTask) -> dict[str, Any]:
    task.ended.result(timeout=20)
    return task.description()


def outcome(description: dict[str, Any]) -> tuple[str, int | None, str | None]:
    [container] = description["Containers"]
    return description["StopCode"], container.get("ExitCode"), container.get("Reason")


def test_a_task_that_succeeds_is_described_as_aws_describes_it(make_tasks: MakeTasks) -> None:
    told = finish(begin(make_tasks(), "exit", "0", StartedBy="shop"))
    assert outcome(told) == ("EssentialContainerExited", 0, None)
    assert told["StoppedReason"] == "Essential container in task exited"
    assert (told["LastStatus"], told["DesiredStatus"], told["Containers"][0]["LastStatus"]) == ("STOPPED",) * 3
    assert (told["ClusterArn"], told["StartedBy"], told["Group"]) == (FARGATE.arn, "shop", "family:shop-worker")
    assert told["TaskDefinitionArn"] == "arn:aws:ecs:us-east-1:000000000000:task-definition/shop-worker:1"
    assert told["TaskArn"].startswith("arn:aws:ecs:us-east-1:000000000000:task/batch/")
    assert told["Overrides"] == {
        "ContainerOverrides": [
            {"Command": ["exit", "0"], "Environment": [], "EnvironmentFiles": [], "Name": "worker", "ResourceRequirements": []}
        ],
        "InferenceAcceleratorOverrides": [],
    }
    moments = [told[name] for name in ("CreatedAt", "StartedAt", "ExecutionStoppedAt", "StoppedAt")]
    assert moments == sorted(moments)
    assert list(told) == sorted(told)


@pytest.mark.parametrize(("command", "code"), [(("exit", "3"), 3), (("abort",), 134)])
def test_a_containers_exit_code_is_told(make_tasks: MakeTasks, command: tuple[str, ...], code: int) -> None:
    assert outcome(finish(begin(make_tasks(), *command))) == ("EssentialContainerExited", code, None)


def test_the_command_and_the_environment_are_those_of_the_definition_with_the_overrides(
    make_tasks: MakeTasks, tmp_path: Path
) -> None:
    here = tmp_path / "told.json"
    host = make_tasks(command=("tell", str(here), "a"), environment={"KEPT": "1", "CHANGED": "1", "MARK": "of the template"})
    finish(host.run(host.request({**arguments(), "Overrides": {}})))
    told = json.loads(here.read_text())
    assert told["arguments"] == ["a"]
    assert told["folder"] == str(tmp_path / "project/functions/worker")
    own = {name: told["environment"][name] for name in ("KEPT", "CHANGED", "MARK", "AWS_REGION")}
    assert own == {"KEPT": "1", "CHANGED": "1", "MARK": "of the stack", "AWS_REGION": "us-east-1"}
    override = {"Name": "worker", "Command": ["tell", str(here)], "Environment": [{"Name": "CHANGED", "Value": "2"}]}
    finish(begin(host, Overrides={"ContainerOverrides": [override]}))
    told = json.loads(here.read_text())
    assert (told["environment"]["KEPT"], told["environment"]["CHANGED"], told["arguments"]) == ("1", "2", [])


def test_a_task_has_a_scratch_folder_that_goes_with_it(make_tasks: MakeTasks, tmp_path: Path) -> None:
    here = tmp_path / "told.json"
    finish(begin(make_tasks(), "tell", str(here)))
    environment = json.loads(here.read_text())["environment"]
    assert Path(environment["TMPDIR"]).is_relative_to(tmp_path / "state")
    assert environment["POLARS_TEMP_DIR"].startswith(environment["TMPDIR"])
    assert not Path(environment["TMPDIR"]).exists()


def test_memory_above_the_tasks_limit_ends_the_container(make_tasks: MakeTasks) -> None:
    told = finish(begin(make_tasks(memory_mb=100), "allocate", "200"))
    assert outcome(told) == (
        "EssentialContainerExited",
        137,
        "OutOfMemoryError: Container killed due to memory usage",
    )


def test_a_container_may_have_a_limit_of_its_own(make_tasks: MakeTasks) -> None:
    override = {"Name": "worker", "Command": ["allocate", "200"], "Memory": 100}
    told = finish(begin(make_tasks(), Overrides={"ContainerOverrides": [override]}))
    assert outcome(told)[1] == 137
    assert told["Containers"][0]["Memory"] == "100"


def test_the_limit_is_that_of_the_overrides(make_tasks: MakeTasks) -> None:
    host = make_tasks(memory_mb=100)
    told = finish(begin(host, "exit", "0", Overrides={"Cpu": "512", "Memory": "1024", "EphemeralStorage": {"SizeInGiB": 21}}))
    assert (told["Cpu"], told["Memory"], told["EphemeralStorage"]) == ("512", "1024", {"SizeInGiB": 21})
    assert told["Overrides"]["Memory"] == "1024"
    request = host.request(arguments(Overrides={"Cpu": "512", "Memory": "1024"}))
    assert (request.definition.cpu, request.definition.memory_mb) == (512, 1024)


def test_scratch_space_above_the_ephemeral_storage_ends_the_container(make_tasks: MakeTasks) -> None:
    code, exit_code, reason = outcome(finish(begin(make_tasks(ephemeral_mb=5), "fill")))
    assert (code, exit_code) == ("EssentialContainerExited", 137)
    assert "No space left on device" in str(reason)


def test_a_script_that_is_gone_is_a_task_that_could_not_start(make_tasks: MakeTasks, tmp_path: Path) -> None:
    host = make_tasks()
    script = tmp_path / "project/functions/worker/worker.py"
    script.unlink()
    script.parent.rmdir()
    told = finish(begin(host, "exit", "0"))
    code, exit_code, reason = outcome(told)
    assert (code, exit_code, told["StoppedReason"]) == ("TaskFailedToStart", None, "Task failed to start")
    assert str(reason).startswith("CannotStartContainerError: ")


@pytest.mark.parametrize(("kind", "code"), [("wait", 143), ("polite", 7)])
def test_a_stopped_task_may_end_by_itself(
    make_tasks: MakeTasks, tmp_path: Path, eventually: Eventually, kind: str, code: int
) -> None:
    here = tmp_path / "here"
    task = begin(make_tasks(), kind, str(here))
    eventually(lambda: here.exists() and here.read_text() != "")
    task.stop()
    assert outcome(finish(task)) == ("UserInitiated", code, None)


def test_a_task_that_does_not_stop_in_its_time_is_killed(make_tasks: MakeTasks, tmp_path: Path, eventually: Eventually) -> None:
    here = tmp_path / "here"
    task = begin(make_tasks(stop_seconds=0.3), "stubborn", str(here))
    eventually(lambda: here.exists() and here.read_text() != "")
    task.stop()
    assert outcome(finish(task)) == ("UserInitiated", 137, None)


def test_what_a_container_left_running_ends_with_it(make_tasks: MakeTasks, tmp_path: Path, eventually: Eventually) -> None:
    here = tmp_path / "here"
    assert outcome(finish(begin(make_tasks(), "leave a child", str(here))))[1] == 0
    child = int(here.read_text())
    eventually(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_a_closed_host_leaves_no_process(make_tasks: MakeTasks, tmp_path: Path, eventually: Eventually) -> None:
    here = tmp_path / "here"
    host = make_tasks()
    task = begin(host, "stubborn", str(here))
    eventually(lambda: here.exists() and here.read_text() != "")
    host.close()
    assert task.ended.done()
    assert not psutil.pid_exists(int(here.read_text()))
    with pytest.raises(RuntimeError, match="closed"):
        begin(host, "exit", "0")


def test_a_token_starts_one_task_however_often_it_comes(make_tasks: MakeTasks, tmp_path: Path) -> None:
    host, here = make_tasks(), tmp_path / "runs"
    first = begin(host, "count", str(here), ClientToken="run-1")
    again = begin(host, "count", str(here), ClientToken="run-1")
    finish(first)
    late = begin(host, "count", str(here), ClientToken="run-1")
    assert first is again is late
    assert here.read_text() == "x"
    assert begin(host, "count", str(here), ClientToken="run-1", Cluster="bare") is not first


def test_a_token_of_another_request_is_a_conflict(make_tasks: MakeTasks) -> None:
    host = make_tasks()
    begin(host, "exit", "0", ClientToken="run-1")
    with pytest.raises(RunTaskError, match="already in use with a different RunTask request") as refused:
        begin(host, "exit", "1", ClientToken="run-1")
    assert refused.value.code == "ConflictException"


def test_a_token_runs_out_after_its_task(make_tasks: MakeTasks, monkeypatch: pytest.MonkeyPatch) -> None:
    host = make_tasks()
    first = begin(host, "exit", "0", ClientToken="run-1")
    finish(first)
    monkeypatch.setattr(ecs_tasks, "TOKEN_SECONDS", 0.0)
    assert begin(host, "exit", "0", ClientToken="run-1") is not first


def test_tasks_above_the_machines_size_wait_and_can_be_stopped_meanwhile(
    make_tasks: MakeTasks, tmp_path: Path, eventually: Eventually
) -> None:
    host = make_tasks(concurrency=1)
    running = begin(host, "wait", str(tmp_path / "here"))
    eventually(lambda: running.description()["LastStatus"] == "RUNNING")
    waiting, given_up = begin(host, "exit", "0"), begin(host, "exit", "0")
    given_up.stop()
    told = finish(given_up)
    assert (outcome(told), "StartedAt" in told) == (("UserInitiated", None, None), False)
    assert waiting.description()["LastStatus"] == "PROVISIONING"
    running.stop()
    assert outcome(finish(waiting))[1] == 0


def test_above_the_largest_count_a_task_is_not_placed(make_tasks: MakeTasks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecs_tasks, "LARGEST_COUNT", 0)
    with pytest.raises(NotPlacedError) as refused:
        begin(make_tasks(), "exit", "0")
    assert refused.value.failures[0]["Reason"].startswith("Capacity is unavailable")


def test_what_a_task_prints_is_in_its_log(make_tasks: MakeTasks, tmp_path: Path, log_lines: list[LogLine]) -> None:
    request = json.dumps({"executionId": "exec-7"})
    task_id = finish(begin(make_tasks(), "exit", "0", request))["TaskArn"].rpartition("/")[2]
    [line] = log_lines
    assert (line.function, line.stream, line.execution_id) == ("shop-worker", f"ecs/worker/{task_id}", "exec-7")
    assert line.message == f"worker: exit 0 {request}"
    day = time.strftime("%Y-%m-%d", time.gmtime(line.timestamp / 1000))
    assert "worker: exit 0" in (tmp_path / "logs" / "shop-worker" / f"{day}.jsonl").read_text()


@pytest.mark.parametrize(
    ("changed", "code", "message"),
    [
        ({"Cluster": "none"}, "ClusterNotFoundException", "Cluster not found."),
        ({"TaskDefinition": "none"}, "ClientException", "TaskDefinition not found."),
        ({"TaskDefinition": "shop-worker:2"}, "ClientException", "TaskDefinition not found."),
        ({"LaunchType": "EC2"}, "InvalidParameterException", "No Container Instances were found"),
        ({"ClientToken": "x" * 65}, "InvalidParameterException", "clientToken"),
        ({"StartedBy": "x" * 129}, "InvalidParameterException", "startedBy"),
        ({"NetworkConfiguration": {}}, "InvalidParameterException", "Network Configuration must be provided"),
        ({"CapacityProviderStrategy": [{"CapacityProvider": "FARGATE"}]}, "InvalidParameterException", "both a launch type"),
        ({"Overrides": {"ContainerOverrides": [{"Name": "other"}]}}, "InvalidParameterException", "container named other"),
        ({"Overrides": {"Memory": "8192"}}, "InvalidParameterException", "256 CPU, 8192 memory"),
        ({"Overrides": {"Memory": "much"}}, "InvalidParameterException", "Invalid 'memory' setting"),
        ({"Overrides": {"EphemeralStorage": {"SizeInGiB": 20}}}, "InvalidParameterException", "between 21 and 200 GiB"),
        (
            {"Overrides": {"ContainerOverrides": [{"Name": "worker", "Command": ["x" * 8192]}]}},
            "InvalidParameterException",
            "Container Overrides length must be at most 8192",
        ),
    ],
)
def test_what_ecs_refuses_is_refused_by_its_name(make_tasks: MakeTasks, changed: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(RunTaskError, match=message) as refused:
        make_tasks().request({**arguments("exit", "0"), **changed})
    assert refused.value.code == code


def test_a_task_comes_to_a_capacity_provider_of_its_cluster(make_tasks: MakeTasks) -> None:
    host = make_tasks()
    given = arguments("exit", "0")
    del given["LaunchType"]
    assert host.request(given).provider == "FARGATE_SPOT"
    strategy = [{"CapacityProvider": "FARGATE", "Weight": 1}]
    assert host.request({**given, "CapacityProviderStrategy": strategy}).provider == "FARGATE"
    assert finish(host.run(host.request(given)))["CapacityProviderName"] == "FARGATE_SPOT"
    for cluster, wanted, message in [("bare", strategy, "not associated"), ("bare", [], "No Container Instances")]:
        with pytest.raises(RunTaskError, match=message):
            host.request({**given, "Cluster": cluster, "CapacityProviderStrategy": wanted})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Overrides": {"ContainerOverrides": [{"name": "worker"}]}}, "The field 'name' is not supported by Step Functions"),
        ({"Overrides": {"ContainerOverrides": [{"Name": "worker", "Commands": []}]}}, "commands"),
        ({"Overrides": {"ContainerOverrides": [{"Name": "worker", "Command": "exit 0"}]}}, "command"),
        ({"Overrides": {"Cpu": 256}}, "cpu"),
        ({"TaskDefinition": 1}, "taskDefinition"),
        ({"Count": 2}, "Count must be 1"),
    ],
)
def test_arguments_that_runtask_does_not_take_are_refused(make_tasks: MakeTasks, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentsError, match=message):
        make_tasks().request({**arguments("exit", "0"), **changed})


def test_arguments_are_an_object(make_tasks: MakeTasks) -> None:
    with pytest.raises(ArgumentsError, match="not an object"):
        make_tasks().request("text")
