"""What the images and the layer hold exists for arm64 too, in the locked versions and as wheels."""

import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

from flowforge.local.emulator import find_uv

EXPORT = "{uv} export --quiet --frozen --offline --package flowforge --extra lambda --extra web --no-emit-workspace"
PYTHON = (3, 13)
# Amazon Linux 2023, on which Lambda's Python 3.13 runs, has glibc 2.34. Nothing is built for less than 2.17 on arm64.
PLATFORMS = [*(f"manylinux_2_{minor}_aarch64" for minor in range(34, 16, -1)), "manylinux2014_aarch64"]
TAGS = {*cpython_tags(PYTHON, platforms=PLATFORMS), *compatible_tags(PYTHON, "cp313", PLATFORMS)}


@pytest.fixture(scope="module")
def requirements(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked requirements of the images, as the Makefile exports them."""
    path = tmp_path_factory.mktemp("arm64") / "requirements.txt"
    subprocess.run(
        [*EXPORT.format(uv=find_uv(root)).split(), "--output-file", path],
        cwd=root,
        check=True,
    )
    return path


def needed(requirements: Path) -> Iterator[Requirement]:
    """The requirements that hold on Linux with this Python."""
    environment = {"python_version": "3.13", "python_full_version": "3.13.0", "sys_platform": "linux"}
    environment |= {"platform_machine": "aarch64", "platform_system": "Linux", "os_name": "posix"}
    for line in requirements.read_text().splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.rstrip("\\ "))
            if requirement.marker is None or requirement.marker.evaluate(environment):
                yield requirement


def test_every_locked_package_has_a_wheel_for_arm64(root: Path, requirements: Path) -> None:
    wheels: dict[tuple[str, str], list[str]] = {}
    for package in tomllib.loads((root / "uv.lock").read_text())["package"]:
        files = [wheel["url"].rpartition("/")[2].partition("#")[0] for wheel in package.get("wheels", [])]
        wheels[canonicalize_name(package["name"]), package.get("version", "")] = files
    packages = list(needed(requirements))
    assert {"polars", "polars-hash", "pydantic-core"} <= {requirement.name for requirement in packages}
    for requirement in packages:
        (specifier,) = requirement.specifier
        files = wheels[canonicalize_name(requirement.name), specifier.version]
        assert any(parse_wheel_filename(file)[3] & TAGS for file in files), (requirement.name, files)
