"""``flowforge contract``: showing, comparing and changing the contract of a job's Silver table."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowforge.cli.job_commands import JobName, NamedJob, WorkflowName, with_stack
from flowforge.cli.panels import TABLES
from flowforge.cli.stack_commands import State

if TYPE_CHECKING:
    from rich.console import Console

    from flowforge.cli.contract import JobContracts
    from flowforge.local.connection import StackConnection

contract = typer.Typer(help="Show, compare and change the contract of a job's Silver table.", no_args_is_help=True)


def add_contract_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.add_typer(contract, name="contract", rich_help_panel=TABLES)


@contract.command()
def show(
    workflow: WorkflowName,
    job: JobName = None,
    version: Annotated[int | None, typer.Option(min=1, help="A version; the newest without it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, which 'contract set' takes.")] = False,
    state: State = None,
) -> None:
    """Print the columns and their types."""

    def work(contracts: "JobContracts", console: "Console") -> None:
        from flowforge.cli.contract import print_contract

        print_contract(contracts, version, console, as_json=as_json)

    _with_contracts(state, workflow, job, work)


@contract.command()
def diff(
    workflow: WorkflowName,
    job: NamedJob,
    old: Annotated[int, typer.Argument(min=1, metavar="N", help="The earlier version.")],
    new: Annotated[int | None, typer.Argument(min=1, metavar="M", help="The later one; the newest without it.")] = None,
    state: State = None,
) -> None:
    """Print what changed between two versions."""

    def work(contracts: "JobContracts", console: "Console") -> None:
        from flowforge.cli.contract import print_differences

        print_differences(contracts, old, new, console)

    _with_contracts(state, workflow, job, work)


@contract.command("set")
def set_(
    workflow: WorkflowName,
    job: NamedJob,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON or YAML, as 'contract show --json' prints it.")],
    state: State = None,
) -> None:
    """Store a new version. Runs use it from then on; the types that it changes are stated, and no longer inferred."""

    def work(contracts: "JobContracts", console: "Console") -> None:
        from flowforge.cli.contract import set_contract

        set_contract(contracts, file, console)

    _with_contracts(state, workflow, job, work)


def _with_contracts(state: Path | None, workflow: str, job: str | None, work: "Callable[[JobContracts, Console], None]") -> None:
    def on_the_stack(stack: "StackConnection", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.contract import JobContracts
        from flowforge.cli.endings import SUCCESS

        work(JobContracts.find(stack, workflow, job), console)
        return SUCCESS

    with_stack(state, on_the_stack)
