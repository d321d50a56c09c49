"""Executions outlive the process that runs them: it is killed in mid-run, and the next one goes on."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from integration import states_server

ROLE = "arn:aws:iam::000000000000:role/test"


def waiting(name: str, **fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": states_server.WaitForFile.arn, "Arguments": {"Name": name}, **fields}


STATES = {
    "First": waiting("first", Next="Many"),
    "Many": {
        "Type": "Map",
        "Items": ["a", "b", "c"],
        "ItemProcessor": {
            "StartAt": "One",
            "States": {"One": waiting("{% $states.context.Map.Item.Value %}", Retry=[{"ErrorEquals": ["X"]}], End=True)},
        },
        "Next": "Last",
    },
    "Last": waiting("last", Output=["{% $states.input %}", "{% $states.result %}"], End=True),
}
DEFINITION = json.dumps({"QueryLanguage": "JSONata", "StartAt": "First", "States": STATES})


class Lives:
    """One service after the other over one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None

    def begin(self) -> Any:
        command = [sys.executable, states_server.__file__, str(self.folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        endpoint = self._process.stdout.readline().strip()
        return boto3.session.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1").client(
            "stepfunctions", endpoint_url=endpoint, config=Config(retries={"max_attempts": 0}, proxies={})
        )

    def kill(self) -> None:
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGKILL)
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def answer(self, *names: str) -> None:
        for name in names:
            (self.folder / name).touch()

    def calls(self) -> list[str]:
        noted = self.folder / "calls"
        return noted.read_text().split() if noted.exists() else []


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    lives = Lives(tmp_path)
    yield lives
    lives.kill()


def until(holds: Callable[[], bool]) -> None:
    deadline, pause = time.monotonic() + 20, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "it did not happen within twenty seconds"
        pause.wait(0.01)


def test_a_killed_service_leaves_no_execution_running_and_calls_nothing_twice_that_was_finished(lives: Lives) -> None:
    states = lives.begin()
    machine = states.create_state_machine(name="Killed", definition=DEFINITION, roleArn=ROLE)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine, name="one", input="{}")["executionArn"]
    until(lambda: lives.calls() == ["first"])
    lives.kill()

    states = lives.begin()
    lives.answer("first", "a", "b")
    # The next request makes the service look at its journal, as creating the state machines does when a stack starts.
    assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    until(lambda: history_holds(states, execution, "MapIterationSucceeded", 2) and "c" in lives.calls())
    lives.kill()

    states = lives.begin()
    lives.answer("c", "last")
    until(lambda: bool(states.describe_execution(executionArn=execution)["status"] != "RUNNING"))
    described = states.describe_execution(executionArn=execution)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", [["a", "b", "c"], "last"])
    assert sorted(lives.calls()) == ["a", "b", "c", "c", "first", "first", "last"]
    events = states.get_execution_history(executionArn=execution)["events"]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    lives.kill()

    states = lives.begin()
    assert states.describe_execution(executionArn=execution)["stopDate"] == described["stopDate"]
    assert states.get_execution_history(executionArn=execution)["events"] == events
    machine = states.create_state_machine(name="Killed", definition=DEFINITION, roleArn=ROLE)["stateMachineArn"]
    assert [item["name"] for item in states.list_executions(stateMachineArn=machine)["executions"]] == ["one"]


def history_holds(states: Any, execution: str, kind: str, count: int) -> bool:
    events = states.get_execution_history(executionArn=execution)["events"]
    return [event["type"] for event in events].count(kind) == count
