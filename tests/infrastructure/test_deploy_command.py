"""scripts/deploy says what a deployment lacks before it builds or changes anything."""

import subprocess
import sys
from pathlib import Path

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
