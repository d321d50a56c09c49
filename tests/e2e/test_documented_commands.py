"""What README and tutorial tell a new user to type, typed in a copy of the project by a user who has nothing yet."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from flowforge.local.project import find_project

ROOT = find_project()
SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
CI_TARGETS = re.compile(r"^for target in (.*); do$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")


def commands(document: str) -> list[str]:
    """The lines of a document's shell blocks."""
    blocks = SHELL_BLOCK.findall((ROOT / document).read_text())
    return [line for block in blocks for line in block.splitlines() if line]


def run_by_ci() -> set[str]:
    """The commands that .ci/run calls as they stand."""
    targets = CI_TARGETS.search((ROOT / ".ci" / "run").read_text())
    assert targets is not None
    return {f"make {target}" for target in targets[1].split()}


@pytest.fixture(scope="module")
def copy_of_the_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that a clone would have, and nothing else."""
    copy = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


def environment_of_a_new_user() -> dict[str, str]:
    """The environment without what this test run added to it."""
    return {name: value for name, value in os.environ.items() if name not in ("UV", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")}


@pytest.mark.parametrize("document", ["README.md", "docs/tutorial.md"])
def test_every_command_of_a_document_works_as_it_stands_there(document: str, copy_of_the_project: Path) -> None:
    typed = [line for line in commands(document) if line not in run_by_ci()]
    assert typed
    script = "\n".join(["set -e", "make --silent setup", *(f"echo '+' {line!r}\n{line}" for line in typed)])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=copy_of_the_project,
        env=environment_of_a_new_user(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_readme_shows_the_commands_that_ci_runs() -> None:
    assert {"make run", "make test", "make test-containers"} <= set(commands("README.md")) & run_by_ci()


@pytest.mark.parametrize(
    "document", sorted(str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
)
def test_every_link_of_a_document_leads_to_a_file(document: str) -> None:
    path = ROOT / document
    missing = [target for target in LINK.findall(path.read_text()) if not (path.parent / target).exists()]
    assert missing == []
