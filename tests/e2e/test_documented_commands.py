"""What README and tutorial tell a new user to type, typed in a copy of the project by a user who has nothing yet."""

import re
import subprocess
from pathlib import Path

import pytest

from e2e.documents import ROOT, commands, environment_of_a_new_user

CI_TARGETS = re.compile(r"^for target in (.*); do$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")


def run_by_ci() -> set[str]:
    """The commands that .ci/run calls as they stand."""
    targets = CI_TARGETS.search((ROOT / ".ci" / "run").read_text())
    assert targets is not None
    return {f"make {target}" for target in targets[1].split()}


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
