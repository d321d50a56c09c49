"""``flowforge workflow``: what there is, what it should be, and running it, over the API."""

from pathlib import Path
from typing import Annotated

import typer

from flowforge.cli.api.completion import workflows as known_workflows
from flowforge.cli.api.session import ApiState, ApiUrl, AsJson, Session, TokenFile, Yes, with_api
from flowforge.cli.panels import API

WorkflowId = Annotated[
    str, typer.Argument(metavar="WORKFLOW", help="Its id, or its slug.", autocompletion=known_workflows, show_default=False)
]
workflow = typer.Typer(help="Workflows: list, show, apply a definition, export, run, delete.", no_args_is_help=True)


def add_workflow_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.add_typer(workflow, name="workflow", rich_help_panel=API)


@workflow.command("list")
def list_(
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Found in name, description, application, owner or team.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="With this tag; may stand there again.")] = None,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """List workflows, newest first, with their last executions."""

    def work(session: Session) -> int:
        from flowforge.cli.workflows import list_workflows

        return list_workflows(session, search=search, tags=tag)

    with_api("flowforge workflow list", api, token_file, state, work, as_json=as_json)


@workflow.command()
def show(
    workflow_id: WorkflowId,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Show a workflow, its jobs, and its last execution."""

    def work(session: Session) -> int:
        from flowforge.cli.workflows import show_workflow

        return show_workflow(session, workflow_id)

    with_api("flowforge workflow show", api, token_file, state, work, as_json=as_json)


@workflow.command()
def apply(
    file: Annotated[
        list[Path],
        typer.Option("--file", "-f", metavar="FILE", help="YAML of one workflow or several; - for standard input. Repeatable."),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="With --dry-run: end with 9 where something would change.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Make workflows and their jobs what a file says. Shows the difference first, and asks before it removes something."""

    def work(session: Session) -> int:
        from flowforge.cli.apply import apply_files
        from flowforge.cli.usage import UsageError

        if exit_code and not dry_run:
            raise UsageError("--exit-code goes with --dry-run")
        return apply_files(session, file, dry_run=dry_run, exit_code=exit_code, yes=yes)

    with_api("flowforge workflow apply", api, token_file, state, work, as_json=as_json)


@workflow.command()
def export(
    workflow_ids: Annotated[
        list[str],
        typer.Argument(metavar="WORKFLOW...", help="Ids or slugs.", autocompletion=known_workflows, show_default=False),
    ],
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Print definitions as the YAML that 'workflow apply' takes."""

    def work(session: Session) -> int:
        from flowforge.cli.workflows import export_workflows

        return export_workflows(session, workflow_ids)

    with_api("flowforge workflow export", api, token_file, state, work, as_json=as_json)


@workflow.command()
def run(
    workflow_id: WorkflowId,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="The same key starts it once, however often it is sent. A new one without it."),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", metavar="JOB=KEY", help="A landing key that the job reads, instead of what fits. Repeatable."),
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for who looks at the execution later.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to its end.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", min=0, metavar="SECONDS", help="With --wait: give up after so long, and end with 8."),
    ] = None,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Start an execution, and print its id.

    With --wait the status is 0 where it succeeded, 1 where it failed, 3 where it was cancelled.
    """

    def work(session: Session) -> int:
        from flowforge.cli.start import start_workflow
        from flowforge.cli.usage import UsageError

        if timeout is not None and not wait:
            raise UsageError("--timeout goes with --wait")
        return start_workflow(session, workflow_id, key=key, files=file or (), reason=reason, wait=wait, timeout_seconds=timeout)

    with_api("flowforge workflow run", api, token_file, state, work, as_json=as_json)


@workflow.command()
def delete(
    workflow_id: WorkflowId,
    yes: Yes = False,
    as_json: AsJson = False,
    api: ApiUrl = None,
    token_file: TokenFile = None,
    state: ApiState = None,
) -> None:
    """Delete a workflow whose executions have ended. Its data, its history and its names stay."""

    def work(session: Session) -> int:
        from flowforge.cli.workflows import delete_workflow

        return delete_workflow(session, workflow_id, yes=yes)

    with_api("flowforge workflow delete", api, token_file, state, work, as_json=as_json)


@workflow.command()
def schema() -> None:
    """Print the JSON Schema of a definition, for editors. It needs no API."""
    from flowforge.model.definition_schema import schema_text

    typer.echo(schema_text(), nl=False)
