"""scripts/deploy says what a deployment lacks before it builds or changes anything, and gives everything one release."""

import importlib.util
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
REGION = {"AWS_REGION": "eu-central-1"}


def refusal(root: Path, folder: Path, *arguments: str, **environment: str) -> str:
    """What the command says when it ends without having done anything; it finds no settings of the user's."""
    nothing = {"HOME": str(folder), "PATH": str(folder), "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "scripts/deploy", *arguments],
        cwd=root,
        env={**nothing, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("arguments", [["live"], [""], ["dev", "half"]])
def test_an_unknown_stage_or_part_is_answered_with_those_that_there_are(root: Path, tmp_path: Path, arguments: list[str]) -> None:
    assert "STAGE=dev|qa|uat|prod" in refusal(root, tmp_path, *arguments, **REGION, **CREDENTIALS)


def test_a_missing_region_is_named(root: Path, tmp_path: Path) -> None:
    assert "AWS_REGION" in refusal(root, tmp_path, "dev", "all", **CREDENTIALS)


def test_missing_credentials_are_named(root: Path, tmp_path: Path) -> None:
    assert "AWS does not know who you are" in refusal(root, tmp_path, "dev", "all", **REGION)


def test_a_missing_container_engine_is_named(root: Path, tmp_path: Path, s3_url: str) -> None:
    # Any service of moto answers at its address.
    said = refusal(root, tmp_path, "dev", "all", **REGION, **CREDENTIALS, AWS_ENDPOINT_URL=s3_url)
    assert "No container engine answers" in said


@pytest.fixture
def command(root: Path) -> ModuleType:
    """The command as a module."""
    loader = SourceFileLoader("deploy_command", str(root / "scripts" / "deploy"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_images_functions_and_worker_are_of_one_release(
    command: ModuleType, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**REGION, **CREDENTIALS, "AWS_ENDPOINT_URL": s3_url}.items():
        monkeypatch.setenv(name, value)
    parameters = boto3.client("ssm", region_name=REGION["AWS_REGION"])
    parameters.put_parameter(Name="/flowforge/dev/image-repository", Value="repository", Type="String")
    asked: list[list[str]] = []

    def run(arguments: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(list(arguments))
        return subprocess.CompletedProcess(arguments, 0, stdout="told")

    monkeypatch.setattr(subprocess, "run", run)
    vars(command)["main"]("dev", "all")
    given = {argument for arguments in asked for argument in arguments}
    (release,) = {argument for argument in given if argument.startswith("Release=")}
    number = release.removeprefix("Release=")
    build, *_, deploy = [arguments for arguments in asked if arguments[0].endswith("/sam")]
    assert (build[1], deploy[1]) == ("build", "deploy")
    assert {release, f"ImageTag={number}"} <= set(build)
    assert release in deploy
    (worker,) = [arguments for arguments in asked if arguments[:2] == ["docker", "build"]]
    assert f"RELEASE={number}" in worker
