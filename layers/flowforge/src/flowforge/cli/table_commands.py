"""The commands that mend a Silver table. What they need is imported when one of them runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowforge.cli.job_commands import JobName, WorkflowName, with_stack
from flowforge.cli.panels import TABLES
from flowforge.cli.stack_commands import State

if TYPE_CHECKING:
    from rich.console import Console

    from flowforge.local.connection import StackConnection

RunId = Annotated[
    str | None, typer.Option("--run", metavar="ID", help="The run whose quarantine it is; needed where there are several.")
]

quarantine = typer.Typer(help="Look at rows that were set aside, and take them through again.", no_args_is_help=True)


def add_table_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.command(rich_help_panel=TABLES)(rebuild)
    app.add_typer(quarantine, name="quarantine", rich_help_panel=TABLES)


def rebuild(workflow: WorkflowName, job: JobName = None, state: State = None) -> None:
    """Make a job's Silver, and then Gold, anew from the Bronze of all its runs, under the definition as it is now."""

    def work(stack: "StackConnection", console: "Console", errors: "Console") -> int:
        from flowforge.cli.rebuild import rebuild as run

        return run(stack, workflow, job, console=console, errors=errors)

    with_stack(state, work)


@quarantine.command("list")
def list_(workflow: WorkflowName, job: JobName = None, state: State = None) -> None:
    """List the runs of a job that set rows aside."""

    def work(stack: "StackConnection", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.quarantine import list_quarantines

        return list_quarantines(stack, workflow, job, console=console)

    with_stack(state, work)


@quarantine.command()
def show(
    workflow: WorkflowName,
    job: JobName = None,
    run: RunId = None,
    malformed: Annotated[
        bool, typer.Option("--malformed", help="Show the records of files that could not be read, and not the rows.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many rows are shown.")] = 20,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all rows to this CSV file, to mend them there and give it to replay --fix."),
    ] = None,
    state: State = None,
) -> None:
    """Show the rows that a run set aside, each with its number and the reason."""

    def work(stack: "StackConnection", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.quarantine import show_quarantine

        return show_quarantine(stack, workflow, job, run, malformed=malformed, limit=limit, output=output, console=console)

    with_stack(state, work)


@quarantine.command()
def replay(
    workflow: WorkflowName,
    job: JobName = None,
    run: RunId = None,
    rows: Annotated[
        str | None, typer.Option(metavar="NUMBER,...", help="Numbers and spans such as 1,4-7; all rows without it.")
    ] = None,
    fix: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV or JSON with the column _number and those whose values replace others."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="COLUMN=VALUE", help="A value for every chosen row; nothing after = is null. Repeatable."),
    ] = None,
    state: State = None,
) -> None:
    """Take rows that were set aside through again, fixed or as they are. They stand where they first arrived."""

    def work(stack: "StackConnection", console: "Console", errors: "Console") -> int:
        from flowforge.cli.quarantine import replay_quarantine

        return replay_quarantine(
            stack, workflow, job, run, rows=rows, fix=fix, values=tuple(set_ or ()), console=console, errors=errors
        )

    with_stack(state, work)
