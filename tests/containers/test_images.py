"""What is in the images and in the layer, and how little they may do."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from containers.harness import BUILT, ROOT

pytestmark = pytest.mark.containers

FUNCTIONS = ("bronzeingest", "silvertransform", "goldpublish")
# What they hold above the steps' images: the database's driver, the migrations and the API.
WITH_DATABASE = ("web", "upgradedatabase")
STEPS_AND_WORKER = (*FUNCTIONS, "flowforge-worker")
IMAGES = (*STEPS_AND_WORKER, *WITH_DATABASE)
LAYER = BUILT / "FlowForgeLayer" / "python"
PREPARED = ROOT / "layers" / "flowforge" / "build"
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: a function and its layers, unzipped.
ZIP_FUNCTION_LIMIT_BYTES = 250 * 1024 * 1024
NEVER_IN_LAMBDA = ("pyarrow", "typer", "rich", "uvicorn", "jsonata", "moto", "pytest")
IN_IMAGES_WITH_DATABASE_ONLY = ("sqlalchemy", "pg8000", "alembic", "fastapi", "mangum", "jwt")

InImage = Callable[[str, str], str]


@pytest.fixture(params=IMAGES)
def image(request: pytest.FixtureRequest) -> str:
    return f"{request.param}:latest"


@pytest.fixture
def in_image() -> InImage:
    """Runs Python code in an image, as the image's user, without a network, on a root that cannot be written to."""

    def run(image: str, code: str) -> str:
        confined = ["--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp:rw,mode=1777"]
        done = subprocess.run(
            ["docker", "run", *confined, "--entrypoint", "python3.13", image, "-c", code],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def inspect(image: str) -> Any:
    done = subprocess.run(["docker", "image", "inspect", image], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)[0]


def wheel_files() -> dict[str, bytes]:
    (wheel,) = (PREPARED / "wheel").glob("flowforge-*.whl")
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_images_share_every_layer_up_to_the_handler() -> None:
    layers = [inspect(f"{image}:latest")["RootFS"]["Layers"] for image in IMAGES]
    shared = [group for group in zip(*layers, strict=False) if len(set(group)) == 1]
    # What differs is the handler and its mode; the worker has the mode of its /tmp besides.
    assert [len(own) - len(shared) for own in layers] == [2, 2, 2, 3, 4, 4]
    assert len(shared) >= 5
    # Those with a database add its packages, and their bytecode, once.
    web, upgrade = layers[-2:]
    assert web[: len(shared) + 2] == upgrade[: len(shared) + 2]


def test_an_image_runs_as_a_user_that_owns_nothing_in_it(image: str, in_image: InImage) -> None:
    assert inspect(image)["Config"]["User"] == "993:990"
    code = "import os; print(os.getuid(), [p for p in ('/var/task', '/opt', '/') if os.access(p, os.W_OK)])"
    assert in_image(image, code).split() == ["993", "[]"]


@pytest.mark.parametrize("image", [f"{name}:latest" for name in FUNCTIONS])
def test_a_handler_starts_where_nothing_but_tmp_can_be_written(image: str, in_image: InImage) -> None:
    code = (
        "import os; os.environ.update(FLOWFORGE_DATA_BUCKET='none', AWS_DEFAULT_REGION='us-east-1');"
        "import handler, flowforge; print(handler.handle.__name__, flowforge.__file__)"
    )
    assert in_image(image, code).split() == ["handle", "/var/task/flowforge/__init__.py"]


def test_an_image_names_its_release(image: str) -> None:
    (release,) = [variable for variable in inspect(image)["Config"]["Env"] if variable.startswith("FLOWFORGE_RELEASE=")]
    # Built by hand it has no minute, and the commit in place of it.
    commit = subprocess.run(["git", "describe", "--always"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    assert release.startswith(f"FLOWFORGE_RELEASE=0000000000-{commit}")


def test_the_package_in_an_image_is_the_wheel_that_was_built(image: str, in_image: InImage) -> None:
    code = (
        "import hashlib, json, pathlib; root = pathlib.Path('/var/task');"
        "print(json.dumps({str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()"
        " for folder in root.glob('flowforge*') for p in folder.rglob('*') if p.is_file() and p.suffix != '.pyc'}))"
    )
    expected = {name: hashlib.sha256(body).hexdigest() for name, body in wheel_files().items()}
    assert json.loads(in_image(image, code)) == expected


def test_every_module_in_an_image_has_its_bytecode(image: str, in_image: InImage) -> None:
    code = (
        "import importlib.util, pathlib;"
        "print([str(p) for p in pathlib.Path('/var/task').rglob('*.py') if p.name not in ('handler.py', 'worker.py')"
        " and not pathlib.Path(importlib.util.cache_from_source(str(p))).is_file()])"
    )
    assert in_image(image, code).strip() == "[]"


def test_an_image_holds_nothing_that_only_tests_and_laptops_need(image: str, in_image: InImage) -> None:
    code = "import importlib.util; print([n for n in {names!r} if importlib.util.find_spec(n)])"
    assert in_image(image, code.format(names=NEVER_IN_LAMBDA)).strip() == "[]"
    found = in_image(image, code.format(names=IN_IMAGES_WITH_DATABASE_ONLY)).strip()
    assert found == str([*IN_IMAGES_WITH_DATABASE_ONLY] if image.partition(":")[0] in WITH_DATABASE else [])


@pytest.mark.parametrize("place", ["web", "layer"])
def test_the_certificates_of_rds_are_where_the_database_is_talked_to(place: str, in_image: InImage) -> None:
    certificates = "flowforge/metadata/certificates/rds.pem"
    if place == "layer":
        assert (LAYER / certificates).is_file()
        return
    code = f"import ssl; print(len(ssl.create_default_context(cafile='/var/task/{certificates}').get_ca_certs()) > 50)"
    assert in_image("web:latest", code).strip() == "True"


def test_nothing_in_an_image_names_the_machine_that_built_it(image: str, in_image: InImage) -> None:
    places = [f"{ROOT}/{folder}".encode() for folder in ("layers", ".venv", ".tools")]
    code = (
        "import pathlib;"
        "print([str(p) for p in pathlib.Path('/var/task').rglob('*') if p.is_file() and p.suffix != '.so'"
        f" and any(place in p.read_bytes() for place in {places!r})])"
    )
    assert in_image(image, code).strip() == "[]"


def test_the_layer_holds_the_wheel_that_was_built() -> None:
    for name, body in wheel_files().items():
        assert (LAYER / name).read_bytes() == body, name


def test_every_module_of_the_layer_has_its_bytecode_for_lambda_s_python() -> None:
    modules = set(LAYER.rglob("*.py"))
    compiled = {path.parent.parent / f"{path.name.partition('.')[0]}.py" for path in LAYER.rglob("*.cpython-313.pyc")}
    assert modules == compiled


def test_the_layer_fits_into_a_zip_function_with_room_for_what_comes() -> None:
    size = sum(path.stat().st_size for path in LAYER.rglob("*") if path.is_file())
    assert size < ZIP_FUNCTION_LIMIT_BYTES // 2


def test_the_native_parts_of_the_layer_are_for_lambda_s_python() -> None:
    native = [path.name for path in LAYER.rglob("*.so")]
    assert native
    assert all("cpython-313-x86_64" in name or ".abi3." in name for name in native), native


@pytest.mark.parametrize("folder", [LAYER, PREPARED / "image" / "package"])
def test_everything_is_readable_by_the_user_that_lambda_runs_functions_as(folder: Path) -> None:
    assert [str(path) for path in folder.rglob("*") if not path.stat().st_mode & 0o004] == []
