"""``flowforge db``: the schema of the metadata. What the commands need is imported when one of them runs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowforge.cli.panels import UPKEEP
from flowforge.cli.stack_commands import State

if TYPE_CHECKING:
    from rich.console import Console

    from flowforge.metadata.database import Database

db = typer.Typer(
    name="db",
    no_args_is_help=True,
    help="The schema of the metadata: of DATABASE_URL, of the running stack, or of the state folder's own server.",
)


def add_database_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.add_typer(db, rich_help_panel=UPKEEP)


@db.command()
def upgrade(
    revision: Annotated[str, typer.Argument(help="The revision to go up to; the newest without it.")] = "head",
    state: State = None,
) -> None:
    """Take the database up to a revision. Two at once do the work once."""

    def work(database: "Database", console: "Console") -> int:
        from flowforge.cli.database import upgrade as go_up

        return go_up(database, console, revision)

    _run(state, work)


@db.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="The revision to go down to; 'base' removes everything.")],
    state: State = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Take the database down to a revision. What later revisions hold is lost."""

    def work(database: "Database", console: "Console") -> int:
        from flowforge.cli.database import downgrade as go_down

        return go_down(database, console, revision, confirm=lambda question: yes or typer.confirm(question))

    _run(state, work)


@db.command()
def check(state: State = None) -> None:
    """Tell whether the database is at the newest revision and has the schema that this version needs; status 1 where not."""

    def work(database: "Database", console: "Console") -> int:
        from flowforge.cli.database import check as look

        return look(database, console)

    _run(state, work)


def _run(state: Path | None, work: Callable[["Database", "Console"], int]) -> None:
    from flowforge.cli.endings import status_of
    from flowforge.cli.screen import consoles
    from flowforge.local.project import find_project
    from flowforge.local.stack_database import open_database
    from flowforge.local.state_folder import StateFolder

    console, errors = consoles()

    def with_database() -> int:
        folder = StateFolder(state.resolve()) if state is not None else StateFolder.of(find_project())
        with open_database(folder) as database:
            return work(database, console)

    raise typer.Exit(status_of(with_database, errors))
