"""The emulator's process, where it cannot start. That it starts is a matter of the whole stack's tests."""

from pathlib import Path

import pytest

from flowforge.local.emulator import Emulator, find_uv
from flowforge.local.errors import LocalStackError
from flowforge.local.reaper import Reaper


def fake_uv(folder: Path, script: str) -> str:
    path = folder / "uv"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_without_uv_the_error_says_where_to_get_it(tmp_path: Path, reaper: Reaper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "template.yaml").touch()
    monkeypatch.setenv("FLOWFORGE_PROJECT", str(tmp_path))
    with pytest.raises(LocalStackError, match="uv is not on PATH"):
        Emulator(tmp_path, reaper).start()


def test_the_uv_that_make_installed_is_found_without_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    own = tmp_path / ".tools" / "uv" / "bin"
    own.mkdir(parents=True)
    assert fake_uv(own, "exit 0") == find_uv(tmp_path)


def test_an_emulator_that_ends_is_tried_online_and_then_told_with_its_log(
    tmp_path: Path, reaper: Reaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV", fake_uv(tmp_path, 'echo "started with $3"; echo "no such release" >&2; exit 7'))
    emulator = Emulator(tmp_path, reaper)
    emulator.start()
    with pytest.raises(LocalStackError, match=r"(?s)exit status 7.*started with --offline.*started with --with.*no such release"):
        emulator.wait_ready()


def test_an_emulator_that_does_not_answer_is_given_up(tmp_path: Path, reaper: Reaper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV", fake_uv(tmp_path, "exec sleep 600"))
    emulator = Emulator(tmp_path, reaper)
    emulator.start()
    with pytest.raises(LocalStackError, match="did not answer within 0 s"):
        emulator.wait_ready(seconds=0.1)
    emulator.stop()


def test_an_emulator_that_was_not_started_cannot_be_waited_for(tmp_path: Path, reaper: Reaper) -> None:
    emulator = Emulator(tmp_path, reaper)
    emulator.stop()
    with pytest.raises(LocalStackError, match="not started"):
        emulator.wait_ready()
