"""What the how-to pages of curl and of the command line tell to type, typed in a copy of the project, on one stack."""

import os
import subprocess
import sys
from pathlib import Path

from e2e.documents import blocks, commands, environment_of_a_new_user

CURL, COMMAND_LINE = "docs/how-to/drive-it-with-curl.md", "docs/how-to/command-line.md"
NOT_HERE = ("make setup", "export PATH=", "uv run flowforge down")
"""The commands are those of this environment, so the copy needs none of its own; and the stack stays for the next page."""


def test_every_command_of_the_pages_works_and_says_what_they_say(copy_of_the_project: Path) -> None:
    by_curl = "".join(blocks(CURL)).splitlines()
    kept = [line.replace("uv run flowforge", "flowforge") for line in by_curl if not line.startswith(NOT_HERE)]
    by_commands = [f"echo '+' {line!r}\n{line}" for line in commands(COMMAND_LINE)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    changed = {"PATH": path, "FLOWFORGE_PROJECT": str(copy_of_the_project)}
    environment = {name: value for name, value in environment_of_a_new_user().items() if not name.startswith("FLOWFORGE_")}
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -e", "trap 'flowforge down' ERR", *kept, "unset -f run status", *by_commands])],
        cwd=copy_of_the_project,
        env={**environment, **changed, "UV": os.environ.get("UV", "uv")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    told = done.stdout.splitlines()
    assert "this needs a token: send it as 'Authorization: Bearer …'" in done.stdout
    # The rows of the table, once the mended one has gone through.
    assert "7" in told
    assert told.count("409") == 2
    assert done.stdout.count("wf_shop: nothing to change") == 2
    token = (copy_of_the_project / "token").read_text().strip()
    assert token.startswith("ff_")
    assert token not in done.stdout + done.stderr
