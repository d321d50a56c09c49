"""scripts/deploy says what a deployment lacks before it builds or changes anything, and gives everything one release."""

import importlib.util
import shutil
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
    folder = with_network(root, tmp_path)
    said = refusal(folder, tmp_path, "dev", "all", **REGION, **CREDENTIALS, AWS_ENDPOINT_URL=s3_url)
    assert "No container engine answers" in said


def with_network(root: Path, folder: Path, region: str = "eu-central-1") -> Path:
    """A project whose stage dev has a network, and the certificates of one region."""
    certificates = "layers/flowforge/src/flowforge/metadata/certificates/rds.pem"
    for name in ("samconfig.toml", "foundation/samconfig.toml", "scripts/deploy", certificates):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, folder / name)
    settings = folder / "foundation" / "samconfig.toml"
    stated = (
        settings.read_text().replace("VpcId=none", "VpcId=vpc-1").replace("PrivateSubnetIds=none", "PrivateSubnetIds=subnet-1")
    )
    settings.write_text(stated)
    (folder / certificates).write_text(f"# Amazon RDS {region} Root CA RSA2048 G1, valid until 2061")
    return folder


def test_a_missing_network_is_named_with_the_settings_that_state_it(root: Path, tmp_path: Path, s3_url: str) -> None:
    said = refusal(root, tmp_path, "dev", "all", **REGION, **CREDENTIALS, AWS_ENDPOINT_URL=s3_url)
    assert "VpcId, PrivateSubnetIds of stage dev" in said
    assert "foundation/samconfig.toml" in said


def test_a_region_whose_database_could_not_be_verified_is_named(root: Path, tmp_path: Path, s3_url: str) -> None:
    folder = with_network(root, tmp_path, "eu-west-1")
    said = refusal(folder, tmp_path, "dev", "all", **REGION, **CREDENTIALS, AWS_ENDPOINT_URL=s3_url)
    assert "the certificates of RDS in eu-central-1" in said


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
    monkeypatch.setitem(vars(command), "lacking", lambda *_: "")
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
