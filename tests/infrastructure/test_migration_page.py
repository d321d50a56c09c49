"""The page that maps the migration's steps names resources, commands and tests that are there."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

# The numbered steps of the phases in the migration guide, and each phase's acceptance.
STEPS = {"2": 5, "4": 2, "5": 2, "6": 3, "8": 3}
RESOURCE = re.compile(r"[A-Z][A-Za-z]+")
TARGET = re.compile(r"make ([a-z-]+)")


@pytest.fixture(scope="module")
def rows(root: Path) -> list[list[str]]:
    lines = (root / "docs" / "reference" / "migration.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return cells[1:]


def named(rows: list[list[str]]) -> set[str]:
    """Everything that stands between backticks in the table."""
    return {name for row in rows for cell in row for name in re.findall(r"`([^`]+)`", cell)}


def test_every_step_of_every_phase_has_its_row(rows: list[list[str]]) -> None:
    expected = [f"{phase}.{step}" for phase, count in STEPS.items() for step in [*range(1, count + 1), "A"]]
    assert [row[0] for row in rows] == expected


def test_every_resource_is_in_a_template(rows: list[list[str]], application: Mapping[str, Any]) -> None:
    resources = {name for name in named(rows) if RESOURCE.fullmatch(name)}
    assert len(resources) > 20
    assert resources <= set(application["Resources"])


def test_every_file_and_every_target_is_there(rows: list[list[str]], root: Path) -> None:
    makefiles = (root / "Makefile").read_text() + (root / "containers.mk").read_text()
    for name in named(rows):
        target = TARGET.fullmatch(name)
        if target:
            assert re.search(rf"^{target[1]}:", makefiles, re.MULTILINE), name
        elif "/" in name or name.endswith(".toml"):
            assert (root / name).is_file(), name


def test_a_row_without_a_proof_says_that_it_was_left_out(rows: list[list[str]]) -> None:
    assert all(row[3] or row[2].startswith("left out") for row in rows)
