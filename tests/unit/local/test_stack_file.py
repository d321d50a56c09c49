"""How a stack is found by other processes, and how they see that it is gone."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from flowforge.local.connection import StackConnection
from flowforge.local.leftovers import end_processes, mark_of, processes_of_stack
from flowforge.local.stack_file import StackFile, running_stack
from flowforge.local.state_folder import StateFolder

ENDPOINTS = {"aws": "http://127.0.0.1:1", "stepfunctions": "http://127.0.0.1:2", "lambda": "http://127.0.0.1:2"}
CONNECTION = StackConnection(ENDPOINTS, "data", "arn:aws:states:us-east-1:000000000000:stateMachine:Flow")


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path)


def test_a_stack_of_this_process_is_found_with_its_endpoints(folder: StateFolder) -> None:
    StackFile.of(CONNECTION, shared=True).write(folder.stack_file)
    found = running_stack(folder)
    assert found is not None
    assert found.connection().environment() == CONNECTION.environment()
    assert found.connection().state_machine_arn == CONNECTION.state_machine_arn
    assert [path.name for path in folder.root.iterdir()] == ["stack.json"]


def test_a_stack_of_one_run_is_not_for_others(folder: StateFolder) -> None:
    StackFile.of(CONNECTION, shared=False).write(folder.stack_file)
    assert running_stack(folder) is None


def test_a_later_process_of_the_same_number_is_not_the_stack(folder: StateFolder) -> None:
    own = StackFile.of(CONNECTION, shared=True)
    replace(own, process_started=own.process_started - 60).write(folder.stack_file)
    assert running_stack(folder) is None


def test_a_process_that_ended_is_not_the_stack_even_before_anybody_collects_it() -> None:
    own = StackFile.of(CONNECTION, shared=True)
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        assert process.wait() == 0
        assert not replace(own, pid=process.pid).alive


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"of": "another version"}'])
def test_a_file_that_is_not_understood_is_no_stack(folder: StateFolder, text: str) -> None:
    folder.stack_file.write_text(text)
    assert StackFile.read(folder.stack_file) is None


def test_processes_are_found_by_their_mark_and_ended_with_their_groups(tmp_path: Path) -> None:
    program = "import subprocess, sys; subprocess.Popen(['sleep', '600']); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=mark_of(tmp_path) | {"PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        # A process that has just been started may still show its parent's environment.
        deadline = time.monotonic() + 10
        while len(processes_of_stack(tmp_path)) < 2:
            assert time.monotonic() < deadline
        assert processes_of_stack(tmp_path / "another") == []
        assert end_processes(processes_of_stack(tmp_path)) == 2
    assert processes_of_stack(tmp_path) == []
