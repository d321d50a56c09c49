"""The ``flowforge`` command. Heavy libraries are imported when a command needs them: ``--help`` answers at once."""

import typer

from flowforge.cli.contract_commands import add_contract_commands
from flowforge.cli.database_commands import add_database_commands
from flowforge.cli.dlq_commands import add_dlq_commands
from flowforge.cli.execution_commands import add_execution_commands
from flowforge.cli.lake_commands import add_lake_commands
from flowforge.cli.panels import UPKEEP
from flowforge.cli.run_command import add_run_command
from flowforge.cli.stack_commands import add_stack_commands
from flowforge.cli.table_commands import add_table_commands
from flowforge.cli.token_commands import add_token_commands
from flowforge.cli.workflow_commands import add_workflow_commands

app = typer.Typer(
    help="FlowForge on AWS: files to Bronze, Silver and Gold, on this machine or in an account.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def main() -> None:
    """FlowForge on AWS: files to Bronze, Silver and Gold, on this machine or in an account."""


add_run_command(app)
add_stack_commands(app)
add_table_commands(app)
add_contract_commands(app)
add_lake_commands(app)
add_database_commands(app)
add_workflow_commands(app)
add_execution_commands(app)
add_dlq_commands(app)
add_token_commands(app)


@app.command(rich_help_panel=UPKEEP)
def version() -> None:
    """Print the installed version."""
    from importlib.metadata import version as installed_version

    typer.echo(f"flowforge {installed_version('flowforge')}")
