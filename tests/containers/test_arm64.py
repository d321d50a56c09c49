"""What the images hold can be installed for arm64; the index is asked, as it is when the images are prepared."""

import subprocess
from pathlib import Path

import pytest

from containers.harness import ROOT
from flowforge.local.emulator import find_uv

pytestmark = pytest.mark.containers
REQUIREMENTS = ROOT / "layers" / "flowforge" / "build" / "image" / "requirements.txt"
RESOLVE = (
    "{uv} pip install --dry-run --quiet --require-hashes --only-binary :all: "
    "--python-version 3.13 --python-platform aarch64-manylinux_2_34"
)


def test_the_locked_wheels_of_the_images_exist_for_arm64(tmp_path: Path) -> None:
    command = [*RESOLVE.format(uv=find_uv(ROOT)).split(), "--target", str(tmp_path), "--requirements", str(REQUIREMENTS)]
    subprocess.run(command, cwd=ROOT, check=True)
