"""``flowforge execution``: what ran and what runs, over the API."""

from typing import Annotated

import typer

from flowforge.cli.api.completion import executions as known_executions
from flowforge.cli.api.completion import workflows as known_workflows
from flowforge.cli.api.session import ApiState, ApiUrl, AsJson, Session, TokenFile, Yes, with_api
from flowforge.cli.panels import API

ExecutionId = Annotated[
    str, typer.Argument(metavar="EXECUTION", help="Its id.", autocompletion=known_executions, show_default=False)
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", min=0, metavar="SECONDS", help="Give up waiting after so long, and end with 8.")
]
execution = typer.Typer(help="Executions: list, show, watch, cancel, redrive, logs.", no_args_is_help=True)


def add_execution_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.add_typer(execution, name="execution", rich_help_panel=API)


@execution.command("list")
def list_(
    workflow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORKFLOW", help="Only of this workflow, by id or slug. Repeatable.", autocompletion=known_workflows
        ),
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(metavar="STATUS", help="pending, running, succeeded, failed or cancelled. Repeatable."),
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="No older than 1h, 6h, 24h, 7d or 30d.")] = None,
    search: Annotated[str | None, typer.Option(metavar="TEXT", help="Found in the id or in the workflow's name.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """List executions, newest first."""

    def work(session: Session) -> int:
        from flowforge.cli.executions import list_executions

        return list_executions(session, workflow or (), status or (), since=since, search=search, limit=limit)

    with_api("flowforge execution list", api, token_file, state, work, as_json=as_json)


@execution.command()
def show(
    execution_id: ExecutionId,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Show an execution: its jobs, what their steps counted, why they failed."""

    def work(session: Session) -> int:
        from flowforge.cli.executions import show_execution

        return show_execution(session, execution_id)

    with_api("flowforge execution show", api, token_file, state, work, as_json=as_json)


@execution.command()
def watch(
    execution_id: ExecutionId,
    timeout: Timeout = None,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Follow an execution to its end; status 0 where it succeeded, 1 where it failed, 3 where it was cancelled.

    Ctrl-C ends the watching, and not the execution.
    """

    def work(session: Session) -> int:
        from flowforge.cli.watch import watch_execution

        return watch_execution(session, execution_id, timeout_seconds=timeout)

    with_api("flowforge execution watch", api, token_file, state, work, as_json=as_json)


@execution.command()
def cancel(
    execution_id: ExecutionId,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the audit log.")] = "",
    yes: Yes = False,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Stop an execution. What it published stays; a redrive goes on with the rest."""

    def work(session: Session) -> int:
        from flowforge.cli.executions import cancel_execution

        return cancel_execution(session, execution_id, reason=reason, yes=yes)

    with_api("flowforge execution cancel", api, token_file, state, work, as_json=as_json)


@execution.command()
def redrive(
    execution_id: ExecutionId,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end.")] = False,
    timeout: Timeout = None,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Take an execution that failed or was cancelled up again, on the same files, from where it failed."""

    def work(session: Session) -> int:
        from flowforge.cli.executions import redrive_execution

        return redrive_execution(session, execution_id, wait=wait, timeout_seconds=timeout)

    with_api("flowforge execution redrive", api, token_file, state, work, as_json=as_json)


@execution.command()
def logs(
    execution_id: ExecutionId,
    job: Annotated[str | None, typer.Option(metavar="JOB", help="Only lines of this job, by its id.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until the execution ends.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON document for each line.")] = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Print what the functions logged of an execution, by time."""

    def work(session: Session) -> int:
        from flowforge.cli.execution_logs import print_logs

        return print_logs(session, execution_id, job_id=job, follow=follow)

    with_api("flowforge execution logs", api, token_file, state, work, as_json=as_json)
