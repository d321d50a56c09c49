"""What was set aside is listed and shown, rows and records that could not be read apart."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from flowforge.cli.quarantine import list_quarantines, replay_quarantine, show_quarantine
from flowforge.cli.usage import UsageError
from flowforge.local.connection import StackConnection
from flowforge.metadata.database import Database
from lab import Lab
from stacks import stack_of


@pytest.fixture
def stack(lab: Lab, database: Database) -> StackConnection:
    lab.silver = {"primaryKey": "id"}
    lab.job = {"sourceConfig": {"fileConfig": {"onMalformedRow": "quarantine"}}}
    return stack_of(lab, database)


def console() -> Console:
    return Console(file=io.StringIO(), width=300, record=True)


def shown(stack: StackConnection, *, malformed: bool, output: Path | None = None) -> str:
    screen = console()
    show_quarantine(stack, "shop", None, None, malformed=malformed, limit=20, output=output, console=screen)
    return screen.export_text()


def test_rows_and_malformed_records_of_a_run_are_listed_and_shown_apart(lab: Lab, stack: StackConnection, tmp_path: Path) -> None:
    lab.ingest("id,name\n1,x\n,y\n[red]2\n").silver()
    screen = console()
    list_quarantines(stack, "shop", None, console=screen)
    listed = screen.export_text()
    assert [words in listed for words in ("rows", "malformed records")] == [True, True]
    assert "the primary key is empty" in shown(stack, malformed=False)
    told = shown(stack, malformed=True)
    assert [words in told for words in ("has 1 fields, the header has 2", "[red]2", "orders.csv")] == [True, True, True]
    shown(stack, malformed=True, output=tmp_path / "records.csv")
    assert "[red]2" in (tmp_path / "records.csv").read_text()


def test_a_replay_of_malformed_records_alone_is_refused_with_the_reason(lab: Lab, stack: StackConnection) -> None:
    lab.ingest("id,name\n1,x\n2\n").silver()
    with pytest.raises(
        UsageError, match="could not be read were set aside, and these cannot be replayed: mend them in their file"
    ):
        replay_quarantine(stack, "shop", None, None, rows=None, fix=None, values=(), console=console(), errors=console())
