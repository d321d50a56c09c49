"""What the how-to page of the command line tells to type, typed in a copy of the project, on one stack."""

import os
import subprocess
import sys
from pathlib import Path

from e2e.documents import commands, environment_of_a_new_user

PAGE = "docs/how-to/command-line.md"


def test_every_command_of_the_page_works_and_says_what_the_page_says(copy_of_the_project: Path) -> None:
    typed = commands(PAGE)
    # The commands are those of this environment, so the copy needs none of its own; its state folder is the copy's.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    changed = {"PATH": path, "FLOWFORGE_PROJECT": str(copy_of_the_project)}
    environment = {name: value for name, value in environment_of_a_new_user().items() if not name.startswith("FLOWFORGE_")}
    script = "\n".join(["set -e", "trap 'flowforge down' ERR", *(f"echo '+' {line!r}\n{line}" for line in typed)])
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=copy_of_the_project,
        env={**environment, **changed, "UV": os.environ.get("UV", "uv")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.count("wf_shop: nothing to change") == 2
    token = (copy_of_the_project / "token").read_text().strip()
    assert token.startswith("ff_")
    assert token not in done.stdout + done.stderr
