"""Where the project is found."""

from pathlib import Path

import pytest

from flowforge.local import project
from flowforge.local.errors import LocalStackError
from flowforge.local.project import find_project


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("FLOWFORGE_PROJECT", raising=False)
    (tmp_path / "shop" / "deep" / "er").mkdir(parents=True)
    (tmp_path / "shop" / "template.yaml").touch()
    return tmp_path


def test_the_project_is_found_upwards_from_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "shop" / "deep" / "er")
    assert find_project() == folder / "shop"


def test_a_named_project_comes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWFORGE_PROJECT", str(folder / "shop"))
    assert find_project(folder) == folder / "shop"


def test_a_named_folder_without_a_template_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWFORGE_PROJECT", str(folder))
    with pytest.raises(LocalStackError, match=r"holds no template\.yaml"):
        find_project(folder / "shop")


def test_outside_of_a_project_the_packages_own_is_used(folder: Path) -> None:
    assert (find_project(folder) / "template.yaml").is_file()


def test_no_project_at_all_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "__file__", str(folder / "installed" / "project.py"))
    with pytest.raises(LocalStackError, match="FLOWFORGE_PROJECT"):
        find_project(folder)
