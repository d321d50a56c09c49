"""Where the project lies: the folder with the application's template."""

import os
from collections.abc import Iterator
from pathlib import Path

from flowforge.local.errors import LocalStackError

TEMPLATE_NAME = "template.yaml"
PROJECT_VARIABLE = "FLOWFORGE_PROJECT"


def find_project(start: Path | None = None) -> Path:
    """Find the project: ``FLOWFORGE_PROJECT``, else upwards from ``start`` (the current folder), else from this file.

    Raises LocalStackError where none of them holds a template.
    """
    named = os.environ.get(PROJECT_VARIABLE)
    if named:
        folder = Path(named).expanduser().resolve()
        if not (folder / TEMPLATE_NAME).is_file():
            raise LocalStackError(f"{PROJECT_VARIABLE} names {folder}, which holds no {TEMPLATE_NAME}")
        return folder
    here = (start or Path.cwd()).resolve()
    for folder in (*_upwards(here), *_upwards(Path(__file__).resolve().parent)):
        if (folder / TEMPLATE_NAME).is_file():
            return folder
    raise LocalStackError(
        f"no {TEMPLATE_NAME} in {here} or above it: run the command inside the project, or let {PROJECT_VARIABLE} name it"
    )


def _upwards(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.parents
