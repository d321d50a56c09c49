"""What ``flowforge db`` does and says."""

from collections.abc import Callable

from rich.console import Console

from flowforge.cli.endings import FAILURE, SUCCESS, say
from flowforge.metadata import upgrade as schema
from flowforge.metadata.database import Database
from flowforge.metadata.schema_check import problems_of

EMPTY = "empty"


def upgrade(database: Database, console: Console, revision: str) -> int:
    """Go up, and say from where to where."""
    before, after = schema.upgrade(database, revision)
    say(console, f"The database is at revision {after}" if before == after else f"Upgraded from {before or EMPTY} to {after}")
    return SUCCESS


def downgrade(database: Database, console: Console, revision: str, *, confirm: Callable[[str], bool]) -> int:
    """Go down where the person agrees, and say from where to where."""
    if not confirm(f"Go down to {revision}, and lose what later revisions hold?"):
        say(console, "Nothing was changed")
        return FAILURE
    before, after = schema.downgrade(database, revision)
    say(console, f"Downgraded from {before or EMPTY} to {after or EMPTY}")
    return SUCCESS


def check(database: Database, console: Console) -> int:
    """Say what is wrong, a line each."""
    with database.transaction() as connection:
        problems = problems_of(connection)
        revision = schema.revision_of(connection)
    for problem in problems:
        say(console, problem)
    if problems:
        return FAILURE
    say(console, f"The database is at the newest revision, {revision}, and its schema is right")
    return SUCCESS
