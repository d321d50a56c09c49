"""The ``flowforge`` command. Heavy libraries are imported when a command needs them: ``--help`` answers at once."""

from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowforge.cli.lake_commands import add_lake_commands
from flowforge.cli.stack_commands import add_stack_commands

if TYPE_CHECKING:
    from flowforge.cli.request import Typed

app = typer.Typer(
    help="FlowForge on AWS: files to Bronze, Silver and Gold, on this machine or in an account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
OF_A_JOB = "The job (with FILES)"
OF_A_WORKFLOW = "A whole workflow"


@app.callback()
def main() -> None:
    """FlowForge on AWS: files to Bronze, Silver and Gold, on this machine or in an account."""


add_stack_commands(app)
add_lake_commands(app)


@app.command()
def version() -> None:
    """Print the installed version."""
    typer.echo(f"flowforge {installed_version('flowforge')}")


@app.command()
def run(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="CSV files with a header, folders of them, or glob patterns: the sources of one job, in this order."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the tables; the first file's without it.", rich_help_panel=OF_A_JOB)
    ] = None,
    primary_key: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN,...", help="What makes two rows the same; the later one wins.", rich_help_panel=OF_A_JOB),
    ] = None,
    merge: Annotated[
        bool,
        typer.Option(
            "--merge", help="Short for --strategy merge: per primary key the latest run's row.", rich_help_panel=OF_A_JOB
        ),
    ] = False,
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What a run does to the Silver table of earlier runs: versioned (its rows are the table; the default), merge, "
            "replace (its rows take the place of all) or append (they come on top).",
            rich_help_panel=OF_A_JOB,
        ),
    ] = None,
    group_by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN,...", help="Columns that Gold groups by.", rich_help_panel=OF_A_JOB),
    ] = None,
    aggregate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FUNCTION(COLUMN)",
            help="sum, min, max, avg or count per group, such as total=sum(amount) or count(*). Repeatable.",
            rich_help_panel=OF_A_JOB,
        ),
    ] = None,
    type: Annotated[  # noqa: A002
        list[str] | None,
        typer.Option(
            metavar="COLUMN=TYPE",
            help="A column's type: text, integer, decimal(12,2), float, boolean, date or timestamp. "
            "Inferred without it. Repeatable.",
            rich_help_panel=OF_A_JOB,
        ),
    ] = None,
    not_null: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN,...", help="Rows without a value here go to quarantine.", rich_help_panel=OF_A_JOB),
    ] = None,
    unique: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN,...", help="Rows that share a value here go to quarantine.", rich_help_panel=OF_A_JOB),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(help="What separates columns; \\t for a tab. A comma without it.", rich_help_panel=OF_A_JOB),
    ] = None,
    null_value: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="A text that means null. Repeatable.", rich_help_panel=OF_A_JOB),
    ] = None,
    workflow: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A workflow as YAML, instead of FILES.", rich_help_panel=OF_A_WORKFLOW),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the files of its jobs lie, found by filePattern.",
            rich_help_panel=OF_A_WORKFLOW,
        ),
    ] = None,
    sample: Annotated[
        bool,
        typer.Option(
            "--sample",
            help="Make the sample files of a shop and run its workflow on them.",
            rich_help_panel=OF_A_WORKFLOW,
        ),
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the local stack keeps its data; .flowforge in the project without it."),
    ] = None,
) -> None:
    """Run files or a workflow through Bronze, Silver and Gold on this machine.

    Ends with status 0 when the execution succeeded and every row is accounted for, 1 when it failed, 2 for wrong usage.
    """
    from flowforge.cli.job_options import JobOptions
    from flowforge.cli.request import Typed

    typed = Typed(
        files=tuple(files or ()),
        workflow=workflow,
        data=data,
        sample=sample,
        job=JobOptions(
            primary_key=tuple(primary_key or ()),
            merge=merge,
            strategy=strategy,
            group_by=tuple(group_by or ()),
            aggregate=tuple(aggregate or ()),
            name=name,
            delimiter=delimiter,
            null_value=tuple(null_value or ()),
            type=tuple(type or ()),
            not_null=tuple(not_null or ()),
            unique=tuple(unique or ()),
        ),
    )
    raise typer.Exit(_run(typed, state))


def _run(typed: "Typed", state: Path | None) -> int:
    from flowforge.cli.endings import status_of
    from flowforge.cli.request import request_from
    from flowforge.cli.screen import consoles
    from flowforge.local.project import find_project
    from flowforge.local.state_folder import StateFolder

    console, errors = consoles()

    def work() -> int:
        project = find_project()
        folder = StateFolder.of(project, state).root
        request = request_from(typed, project=project, state=folder)
        # The local stack and all that it needs are loaded only when there is something to run.
        from flowforge.cli.run import run as run_request

        return run_request(request, project=project, state=folder, console=console, errors=errors)

    return status_of(work, errors)
