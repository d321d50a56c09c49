"""``flowforge down`` where whoever started the stack takes no note of its end, as the first process of a container."""

import subprocess
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console

from flowforge.cli import down
from flowforge.local.connection import StackConnection
from flowforge.local.stack_file import StackFile
from flowforge.local.state_folder import StateFolder


def test_a_stack_has_ended_though_its_parent_has_not_heard_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(down, "END_SECONDS", float("inf"))
    folder, said = StateFolder(tmp_path), StringIO()
    with subprocess.Popen(["sleep", "600"]) as stack:
        process = psutil.Process(stack.pid)
        described: dict[str, Any] = asdict(StackFile.of(StackConnection({}, "b", "arn"), shared=True))
        described |= {"pid": stack.pid, "process_started": process.create_time()}
        StackFile(**described).write(folder.stack_file)
        assert down.down(folder, Console(file=said)) == 0
        assert process.status() == psutil.STATUS_ZOMBIE
    assert said.getvalue() == f"The stack of process {stack.pid} has ended\n"
    assert not folder.stack_file.exists()
