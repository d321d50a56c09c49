"""The templates, the state machine and the stages' settings, read without the SAM CLI."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flowforge.local.cloudformation import load_document

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def application() -> Mapping[str, Any]:
    return load_document(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def foundation() -> Mapping[str, Any]:
    return load_document(ROOT / "foundation" / "template.yaml")


@pytest.fixture(scope="session")
def state_machine() -> Mapping[str, Any]:
    definition: dict[str, Any] = json.loads((ROOT / "statemachine" / "workflow.asl.json").read_text())
    return definition


@pytest.fixture(scope="session")
def stages() -> Mapping[str, Any]:
    """The settings of both stacks: ``application`` and ``foundation``, each with one table per stage."""
    return {
        "application": tomllib.loads((ROOT / "samconfig.toml").read_text()),
        "foundation": tomllib.loads((ROOT / "foundation" / "samconfig.toml").read_text()),
    }
