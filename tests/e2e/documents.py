"""What documents tell to type, and the environment of who types it."""

import os
import re

from flowforge.local.project import find_project

ROOT = find_project()
SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(document: str) -> list[str]:
    """A document's shell blocks."""
    return SHELL_BLOCK.findall((ROOT / document).read_text())


def commands(document: str) -> list[str]:
    """The lines of a document's shell blocks."""
    return [line for block in blocks(document) for line in block.splitlines() if line]


def environment_of_a_new_user() -> dict[str, str]:
    """The environment without what this test run added to it."""
    return {name: value for name, value in os.environ.items() if name not in ("UV", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL")}
