"""The commands that keep, show and end a local stack. What they need is imported when one of them runs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowforge.cli.panels import MACHINE

if TYPE_CHECKING:
    from rich.console import Console

    from flowforge.local.state_folder import StateFolder

State = Annotated[
    Path | None,
    typer.Option("--state", metavar="FOLDER", help="Where the stack keeps its data; .flowforge in the project without it."),
]


def add_stack_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    for command in (up, status, logs, down, reset, doctor):
        app.command(rich_help_panel=MACHINE)(command)


def up(
    state: State = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="In the background; returns when it is ready.")] = False,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", metavar="NAME=VALUE", help="A parameter of template.yaml, such as the schedule's."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Where the API listens on 127.0.0.1; 8080, or any free port, without it."),
    ] = None,
) -> None:
    """Keep the local stack running, serve the HTTP API, and print their environment as lines for a shell.

    In a shell of its own, or with eval "$(flowforge up --detach)". boto3, the AWS CLI and the commands of flowforge use it then.
    """

    def work(folder: "StateFolder", console: "Console", errors: "Console") -> int:
        from flowforge.cli.template_parameters import template_parameters
        from flowforge.cli.up import up as start
        from flowforge.local.project import find_project

        project = find_project()
        given = template_parameters(parameter or (), project)
        return start(project, folder, detach=detach, parameters=given, port=port, console=console, errors=errors)

    _run(state, work)


def status(state: State = None) -> None:
    """Tell whether a stack runs, and where; status 0 where one does, 1 where none does."""

    def work(folder: "StateFolder", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.status import status as show

        return show(folder, console)

    _run(state, work)


def logs(
    state: State = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    execution: Annotated[str, typer.Option(metavar="ID", help="Only calls of this execution.")] = "",
    function: Annotated[str, typer.Option(metavar="NAME", help="Only this function, as the template names it.")] = "",
) -> None:
    """Print what functions wrote, by time."""

    def work(folder: "StateFolder", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.logs import logs as show

        return show(folder, console, function=function, execution=execution, follow=follow)

    _run(state, work)


def down(state: State = None) -> None:
    """End the stack that 'flowforge up' keeps. Objects stay in the state folder."""

    def work(folder: "StateFolder", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.down import down as end

        return end(folder, console)

    _run(state, work)


def reset(
    state: State = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove everything that the stack keeps in its state folder: objects, executions, logs."""

    def work(folder: "StateFolder", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.down import reset as remove

        return remove(folder, console, confirm=lambda question: yes or typer.confirm(question))

    _run(state, work)


def doctor(state: State = None) -> None:
    """Check what the stack needs of this machine, and say what to do where something is missing."""

    def work(folder: "StateFolder", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.doctor import doctor as check

        return check(folder, console)

    _run(state, work)


def _run(state: Path | None, work: Callable[["StateFolder", "Console", "Console"], int]) -> None:
    from flowforge.cli.endings import status_of
    from flowforge.cli.screen import consoles
    from flowforge.local.project import find_project
    from flowforge.local.state_folder import StateFolder

    console, errors = consoles()

    def with_folder() -> int:
        folder = StateFolder(state.resolve()) if state is not None else StateFolder.of(find_project())
        return work(folder, console, errors)

    raise typer.Exit(status_of(with_folder, errors))
