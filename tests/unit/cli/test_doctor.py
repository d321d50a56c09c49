"""What doctor finds on a machine where something is missing, and what it says to do."""

from dataclasses import replace
from pathlib import Path

import pytest

from flowforge.cli import doctor
from flowforge.local.connection import StackConnection
from flowforge.local.project import find_project
from flowforge.local.stack_file import StackFile
from flowforge.local.state_folder import StateFolder


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path)


def test_a_healthy_folder_needs_nothing(folder: StateFolder) -> None:
    for finding in (doctor.check_state_folder(folder), doctor.check_processes(folder), doctor.check_disk(folder.root / "new")):
        assert finding.remedy == ""


def test_a_stack_that_was_killed_is_found(folder: StateFolder) -> None:
    own = StackFile.of(StackConnection({"aws": "http://127.0.0.1:1"}, "data", ""), shared=True)
    replace(own, process_started=0.0).write(folder.stack_file)
    finding = doctor.check_state_folder(folder)
    assert "was killed" in finding.detail
    assert "flowforge up" in finding.remedy


def test_a_folder_that_cannot_be_written_to_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = doctor.check_state_folder(StateFolder(tmp_path / "file"))
    assert "cannot be written to" in finding.detail
    assert "--state" in finding.remedy


def test_a_missing_uv_and_one_that_does_not_run_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("")
    monkeypatch.setenv("FLOWFORGE_PROJECT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    assert "install it" in doctor.check_uv().remedy
    broken = tmp_path / "uv"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert "does not run" in doctor.check_uv().detail


def test_a_full_disk_is_found(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 1 << 60)
    assert "make room" in doctor.check_disk(folder.root).remedy


def test_this_machine_can_run_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWFORGE_PROJECT", str(find_project()))
    checks = (doctor.check_python, doctor.check_runtime_client, doctor.check_project, doctor.check_ports)
    assert [check().remedy for check in checks] == ["", "", "", ""]
