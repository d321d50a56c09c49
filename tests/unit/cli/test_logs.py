"""Showing what functions wrote: by time, by filter, and on and on."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flowforge.cli.logs import logs
from flowforge.local.errors import LocalStackError
from flowforge.local.state_folder import StateFolder


class Enough(Exception):  # noqa: N818 -- it ends the following, no error
    """The test has seen enough."""


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path)
    write(folder, "A", 1_000, "first", execution="exec_1")
    write(folder, "B", 2_000, "second\tof B", execution="exec_1")
    write(folder, "A", 3_000, "third", execution="exec_2")
    return folder


def write(folder: StateFolder, function: str, timestamp: int, message: str, *, execution: str = "", end: str = "\n") -> None:
    path = folder.logs / function / "1970-01-01.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {"timestamp": timestamp, "function": function, "executionId": execution, "message": message}
    with path.open("a") as file:
        file.write(json.dumps(record) + end)


def shown(folder: StateFolder, **options: Any) -> list[str]:
    """The messages that are printed."""
    console = Console(file=io.StringIO(), width=200)
    given: dict[str, Any] = {"function": "", "execution": "", "follow": False, **options}
    with contextlib.suppress(Enough):
        logs(folder, console, **given)
    assert isinstance(console.file, io.StringIO)
    return [line.split(maxsplit=2)[2] for line in console.file.getvalue().splitlines()]


def test_lines_of_all_functions_are_shown_by_time(folder: StateFolder) -> None:
    assert shown(folder) == ["first", "second  of B", "third"]


def test_an_execution_or_a_function_can_be_looked_at_alone(folder: StateFolder) -> None:
    assert shown(folder, execution="exec_1") == ["first", "second  of B"]
    assert shown(folder, function="A", execution="exec_2") == ["third"]


def test_a_function_without_logs_is_an_error_that_names_the_others(folder: StateFolder) -> None:
    with pytest.raises(LocalStackError, match="no function C has written a log; those that have: A, B"):
        shown(folder, function="C")


def test_following_shows_each_line_once_and_when_it_is_whole(folder: StateFolder) -> None:
    steps = iter(["half", "rest", "end"])

    def pause(_seconds: float) -> None:
        step = next(steps)
        if step == "half":
            write(folder, "A", 4_000, "fourth", end="")
        elif step == "rest":
            with (folder.logs / "A" / "1970-01-01.jsonl").open("a") as file:
                file.write("\n")
        else:
            raise Enough

    assert shown(folder, follow=True, pause=pause) == ["first", "second  of B", "third", "fourth"]


def test_a_line_that_a_crash_cut_short_is_passed_over(folder: StateFolder) -> None:
    with (folder.logs / "B" / "1970-01-01.jsonl").open("a") as file:
        file.write('{"timestamp": 25\n')
    assert len(shown(folder)) == 3
