"""``flowforge db`` says what it did, and its status what it found."""

from collections.abc import Callable

import pytest
from rich.console import Console

from databases import Server
from flowforge.cli.database import check, downgrade, upgrade
from flowforge.metadata.database import Database
from flowforge.metadata.upgrade import revisions

NEWEST = revisions()[-1]


def test_a_database_goes_up_and_down_and_is_checked(postgres: Server, capsys: pytest.CaptureFixture[str]) -> None:
    with postgres.opened(postgres.create(), pool_size=2) as database:
        console = Console()
        said = []
        works: tuple[Callable[[], int], ...] = (
            lambda: check(database, console),
            lambda: upgrade(database, console, "head"),
            lambda: upgrade(database, console, "head"),
            lambda: check(database, console),
            lambda: downgrade(database, console, "base", confirm=lambda _question: False),
            lambda: downgrade(database, console, "base", confirm=lambda _question: True),
        )
        for work in works:
            status = work()
            said.append((status, capsys.readouterr().out.strip()))
    assert said == [
        (1, f"the database is empty, and the newest is {NEWEST}: run 'flowforge db upgrade'"),
        (0, f"Upgraded from empty to {NEWEST}"),
        (0, f"The database is at revision {NEWEST}"),
        (0, f"The database is at the newest revision, {NEWEST}, and its schema is right"),
        (1, "Nothing was changed"),
        (0, f"Downgraded from {NEWEST} to empty"),
    ]


def test_what_was_asked_before_a_loss_names_the_revision(database: Database) -> None:
    asked: list[str] = []

    def refuse(question: str) -> bool:
        asked.append(question)
        return False

    assert downgrade(database, Console(), "0005", confirm=refuse) == 1
    assert asked == ["Go down to 0005, and lose what later revisions hold?"]
