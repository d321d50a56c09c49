"""A gigabyte on functions that are too small for it: each step moves to the worker once, and the record says why."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from big_runs import escalations, execute, land_big_file, results
from csv_files import BLOCK_ROWS
from flowforge.local.leftovers import processes_of_stack
from flowforge.local.project import find_project
from flowforge.local.stack import LocalStack
from flowforge.model.step import Step

pytestmark = pytest.mark.large

WORKFLOW = "wf_big"
# What the template gives, and what is too little for a gigabyte: memory for Bronze, time for Silver, room for Gold.
TOO_LITTLE = {
    "BronzeIngest": ("MemorySize: 2048", "MemorySize: 256"),
    "SilverTransform": ("Timeout: 900", "Timeout: 2"),
    "GoldPublish": ("Size: 1024", "Size: 512"),
}


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def stack(state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The shipped stack, but for functions that are too small."""
    project = tmp_path_factory.mktemp("project")
    for folder in ("functions", "statemachine"):
        shutil.copytree(find_project() / folder, project / folder)
    template = (find_project() / "template.yaml").read_text()
    for function, (given, small) in TOO_LITTLE.items():
        before, declared, after = template.partition(f"\n  {function}:\n")
        assert given in after
        template = before + declared + after.replace(given, small, 1)
    (project / "template.yaml").write_text(template)
    with LocalStack(project, state) as running:
        yield running


@pytest.fixture(scope="module")
def rows(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> int:
    """The number of rows of the gigabyte that has landed for a job that insists on Lambda."""
    return land_big_file(stack, WORKFLOW, 1_000_000_000, tmp_path_factory.mktemp("big"))


def gold_processes(state: Path) -> list[psutil.Process]:
    """The processes of Gold's function; after one was killed, the next call starts another."""
    deadline = time.monotonic() + 20
    while True:
        found = [item for item in processes_of_stack(state) if item.environ().get("AWS_LAMBDA_FUNCTION_NAME") == "GoldPublish"]
        if found:
            return found
        assert time.monotonic() < deadline


def test_memory_time_and_a_killed_process_each_move_their_step_once(stack: LocalStack, state: Path, rows: int) -> None:
    def kill() -> None:
        for process in gold_processes(state):
            process.kill()

    job = execute(stack, WORKFLOW, "exec_killed", "GoldPublish", kill)
    told = escalations(job)
    assert {step: error for step, (error, _) in told.items()} == {
        "bronze_ingest": "Runtime.OutOfMemory",
        "silver_transform": "Sandbox.Timedout",
        "gold_publish": "Runtime.ExitError",
    }
    done = results(stack.lake(), "exec_killed")
    # The file repeats one block of rows, and Silver keeps the last of each key.
    assert [result.counts.read for result in done.values()] == [rows, rows, BLOCK_ROWS]


@pytest.mark.usefixtures("rows")
def test_a_full_tmp_moves_the_step(stack: LocalStack, state: Path) -> None:
    def fill() -> None:
        for process in gold_processes(state):
            with (Path(process.environ()["TMPDIR"]) / "filled").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, 600 << 20)

    told = escalations(execute(stack, WORKFLOW, "exec_full", "GoldPublish", fill))
    assert told["gold_publish"][0] == "Runtime.ExitError"
    assert "No space left" in told["gold_publish"][1]
    assert results(stack.lake(), "exec_full")[Step.GOLD_PUBLISH].counts.read == BLOCK_ROWS
