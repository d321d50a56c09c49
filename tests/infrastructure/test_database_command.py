"""scripts/database calls the function in the stage's network, and says what it says."""

import importlib.util
import io
import json
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest


@pytest.fixture
def command(root: Path) -> ModuleType:
    """The command as a module."""
    loader = SourceFileLoader("database_command", str(root / "scripts" / "database"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class Stage:
    """The two services of a stage that are asked: stacks with outputs, and the function, which answers as it is told to."""

    def __init__(self, answer: Any, *, failed: bool = False) -> None:
        self.region_name = "eu-central-1"
        self.asked: dict[str, Any] = {}
        self._answer = {"Payload": io.BytesIO(json.dumps(answer).encode())} | ({"FunctionError": "Unhandled"} if failed else {})

    def client(self, _service: str, **_: Any) -> "Stage":
        return self

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 -- boto3's
        outputs = [{"OutputKey": "UpgradeDatabaseName", "OutputValue": f"{StackName}-UpgradeDatabase"}]
        return {"Stacks": [{"Outputs": outputs}]}

    def invoke(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return self._answer


def run(command: ModuleType, monkeypatch: pytest.MonkeyPatch, stage: Stage, *arguments: str) -> int:
    monkeypatch.setattr(boto3.session, "Session", lambda **_: stage)
    return int(vars(command)["main"](*arguments))


def test_what_is_wrong_with_a_database_is_shown_and_ends_with_1(
    command: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage({"revision": "0005", "problems": ["the newest is 0006"]})
    assert run(command, monkeypatch, stage, "dev", "check") == 1
    assert "the newest is 0006" in capsys.readouterr().out
    assert (stage.asked["FunctionName"], stage.asked["Qualifier"]) == ("flowforge-dev-UpgradeDatabase", "live")
    assert json.loads(stage.asked["Payload"]) == {"command": "check"}


def test_a_way_down_names_its_revision(command: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage({"before": "0006", "after": "0005"})
    assert run(command, monkeypatch, stage, "qa", "downgrade", "0005") == 0
    assert json.loads(stage.asked["Payload"]) == {"command": "downgrade", "revision": "0005"}


def test_an_error_of_the_function_is_told(command: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage({"errorType": "RetryLater", "errorMessage": "a table was in use for 10 s"}, failed=True)
    with pytest.raises(SystemExit, match="RetryLater: a table was in use"):
        run(command, monkeypatch, stage, "dev", "upgrade")


@pytest.mark.parametrize("arguments", [["dev"], ["dev", "drop"], ["dev", "downgrade"], ["dev", "check", "0005"]])
def test_wrong_usage_is_answered_with_the_usage(root: Path, arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "scripts/database", *arguments], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("usage: make database")
