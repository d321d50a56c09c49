"""The layout of the package: what each folder may import, read from the source by its syntax."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "layers" / "flowforge" / "src" / "flowforge"
EVERYTHING = {"model", "medallion", "lake", "metadata", "steps", "orchestration", "local", "web", "cli"}
MAY_IMPORT: dict[str, set[str]] = {
    "model": set(),
    "medallion": {"model"},
    "lake": {"model"},
    "metadata": {"model"},
    "steps": {"model", "medallion", "lake"},
    "orchestration": {"model", "lake", "metadata"},
    "local": {"model", "medallion", "lake", "metadata", "steps", "orchestration"},
    "web": EVERYTHING,
    "cli": EVERYTHING,
}
AWS = {"boto3", "botocore", "s3transfer", "mypy_boto3_s3", "aws_lambda_powertools"}
MAY_NOT_IMPORT: dict[str, set[str]] = {
    "model": AWS | {"polars", "polars_hash", "duckdb", "pyarrow"},
    "medallion": AWS,
    "lake": {"polars", "polars_hash", "duckdb", "pyarrow"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))
HANDLERS = sorted((PROJECT / "functions").glob("*/*.py"))
MAX_HANDLER_LINES = 40


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE if path.is_relative_to(PACKAGE) else PROJECT))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file, with relative names made absolute."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ("flowforge", *path.relative_to(PACKAGE).parts[:-1])
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def folder_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


def test_every_folder_has_its_place_in_the_layout() -> None:
    folders = {folder_of(path) for path in MODULES} - {"__init__.py"}
    assert {"model", "medallion", "lake", "steps", "orchestration"} <= folders <= set(MAY_IMPORT)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_from_the_folders_above_its_own(path: Path) -> None:
    own = folder_of(path)
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("flowforge.")}
    allowed = MAY_IMPORT.get(own, set()) | {own}
    assert ours <= allowed, f"{name_of(path)} imports {sorted(ours - allowed)}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_no_library_that_its_folder_does_not_know(path: Path) -> None:
    libraries = {name.split(".")[0] for name in imported(path)}
    assert not libraries & MAY_NOT_IMPORT.get(folder_of(path), set())


def test_there_is_a_handler_to_look_at() -> None:
    assert len(HANDLERS) >= 5


@pytest.mark.parametrize("path", HANDLERS, ids=name_of)
def test_a_handler_only_parses_calls_and_answers(path: Path) -> None:
    assert len(path.read_text().splitlines()) < MAX_HANDLER_LINES
