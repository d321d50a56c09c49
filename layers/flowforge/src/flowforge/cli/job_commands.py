"""What the commands about a job of a stored workflow have in common: how it is named, and the stack that it lies on."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from flowforge.local.connection import StackConnection

WorkflowName = Annotated[
    str, typer.Argument(metavar="WORKFLOW", help="The workflow's id, name or slug, or its YAML file, which is stored first.")
]
JobName = Annotated[
    str | None, typer.Argument(metavar="[JOB]", help="The job's id, name or slug; not needed where the workflow has one job.")
]
NamedJob = Annotated[str, typer.Argument(metavar="JOB", help="The job's id, name or slug.")]


def with_stack(state: Path | None, work: "Callable[[StackConnection, Console, Console], int]") -> None:
    """Do something on the stack, which is opened for it; its answer, or what it raises, becomes the exit status."""
    from flowforge.cli.endings import status_of
    from flowforge.cli.screen import consoles
    from flowforge.local.open_stack import open_stack
    from flowforge.local.project import find_project
    from flowforge.local.state_folder import StateFolder

    console, errors = consoles()

    def on_the_stack() -> int:
        project = find_project()
        with open_stack(project, StateFolder.of(project, state).root) as stack:
            return work(stack, console, errors)

    raise typer.Exit(status_of(on_the_stack, errors))
