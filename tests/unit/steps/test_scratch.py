"""Scratch space belongs to one step, whoever starts, ends or dies beside it."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowforge.steps.scratch import scratch_folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_steps_that_start_at_once_leave_each_other_their_folders() -> None:
    def use(_: int) -> bool:
        with scratch_folder() as folder:
            (folder / "file").touch()
            return folder.exists()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(400)))


def test_what_killed_steps_left_is_removed_also_where_they_died_before_they_locked_it(temporary: Path) -> None:
    with scratch_folder() as in_use:
        for name in ("without a lock", "with one"):
            (in_use.parent / name).mkdir()
        (in_use.parent / "with one" / "lock").touch()
        with scratch_folder() as mine:
            assert {path for path in in_use.parent.iterdir() if path.is_dir()} == {in_use, mine}
    assert [path.name for path in temporary.iterdir()] == [in_use.parent.name]
    assert not [path for path in in_use.parent.iterdir() if path.is_dir()]
