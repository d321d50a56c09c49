"""The commands that read the lake: ``query`` and ``assets``. What they need is imported when one of them runs."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowforge.cli.panels import TABLES

if TYPE_CHECKING:
    from rich.console import Console

    from flowforge.cli.lake_access import LakeAccess

Stage = Annotated[
    str | None,
    typer.Option("--stage", metavar="NAME", help="A stage in AWS, in the account of your credentials; this machine without it."),
]
State = Annotated[
    Path | None,
    typer.Option("--state", metavar="FOLDER", help="Where the local stack keeps its data; .flowforge in the project without it."),
]
Name = Annotated[str, typer.Argument(metavar="TABLE", help="silver.shop_orders, or shop_orders for the highest layer of it.")]
assets = typer.Typer(help="Tables of the lake: what they hold, where it comes from, their upkeep.", no_args_is_help=True)


def add_lake_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.command(rich_help_panel=TABLES)(query)
    app.add_typer(assets, name="assets", rich_help_panel=TABLES)


def query(
    sql: Annotated[str, typer.Argument(help="One statement of Athena's SQL.")],
    database: Annotated[
        str | None,
        typer.Option("--database", "-d", metavar="NAME", help="A layer or a database, for tables named alone; gold without it."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", "-f", metavar="FORM", help="table (at most 1,000 rows), csv, json or parquet.")
    ] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where the rows go; the screen without it.")
    ] = None,
    stage: Stage = None,
    state: State = None,
) -> None:
    """Ask the lake with SQL, through Athena; Ctrl-C cancels the query. Ends by telling what was read and what it cost."""

    def work(access: "LakeAccess", console: "Console", errors: "Console") -> int:
        from flowforge.cli.query import ResultFormat
        from flowforge.cli.query import query as ask
        from flowforge.cli.usage import UsageError

        if form not in list(ResultFormat):
            raise UsageError(f"--format: {form!r} is none of {', '.join(ResultFormat)}")
        return ask(access, sql, database=database, form=ResultFormat(form), output=output, console=console, errors=errors)

    _run(stage, state, work)


@assets.command("list")
def list_(stage: Stage = None, state: State = None) -> None:
    """Tables and views, with rows, bytes, files, and how many files fewer there would be after compaction."""

    def work(access: "LakeAccess", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.assets import list_assets

        return list_assets(access, console)

    _run(stage, state, work)


@assets.command()
def show(name: Name, stage: Stage = None, state: State = None) -> None:
    """What the catalog says of a table: its location, its columns, its days."""

    def work(access: "LakeAccess", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.assets import show_asset

        return show_asset(access, name, console)

    _run(stage, state, work)


@assets.command()
def preview(
    name: Name,
    rows: Annotated[int, typer.Option(min=1, help="How many rows.")] = 10,
    stage: Stage = None,
    state: State = None,
) -> None:
    """The first rows of a table, read from its files."""

    def work(access: "LakeAccess", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.assets import preview_asset

        return preview_asset(access, name, rows=rows, console=console)

    _run(stage, state, work)


@assets.command()
def lineage(
    name: Name,
    run: Annotated[str | None, typer.Option(metavar="ID", help="A run, as _run_id says; the last one without it.")] = None,
    source_file: Annotated[
        str | None, typer.Option("--file", metavar="NAME", help="With --row: the file of a row, as _source_file says.")
    ] = None,
    row: Annotated[int | None, typer.Option(min=1, help="With --file: the record, as _row_number says.")] = None,
    stage: Stage = None,
    state: State = None,
) -> None:
    """Where a table's rows come from: source files with version and SHA-256, objects of each layer, columns."""

    def work(access: "LakeAccess", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.assets import show_lineage
        from flowforge.cli.usage import UsageError

        if (source_file is None) != (row is None):
            raise UsageError("--file and --row go together")
        return show_lineage(access, name, run_id=run, source_file=source_file, row_number=row, console=console)

    _run(stage, state, work)


@assets.command()
def compact(
    name: Name,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    stage: Stage = None,
    state: State = None,
) -> None:
    """Make one file of the small files of each day of a table that is appended to."""

    def work(access: "LakeAccess", console: "Console", _errors: "Console") -> int:
        from datetime import UTC, datetime

        from flowforge.cli.assets_upkeep import compact_asset

        return compact_asset(access, name, dry_run=dry_run, now=datetime.now(UTC), console=console)

    _run(stage, state, work)


@assets.command()
def retention(
    name: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="One table; all without it.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Remove it. Without it, nothing is removed.")] = False,
    stage: Stage = None,
    state: State = None,
) -> None:
    """What is older than retentionDays of its layer; with --apply remove objects and partitions."""

    def work(access: "LakeAccess", console: "Console", _errors: "Console") -> int:
        from datetime import UTC, datetime

        from flowforge.cli.assets_upkeep import apply_retention

        return apply_retention(access, name, apply=apply, today=datetime.now(UTC).date(), console=console)

    _run(stage, state, work)


@assets.command()
def repair(stage: Stage = None, state: State = None) -> None:
    """Bring the catalog to what the lake holds, table by table."""

    def work(access: "LakeAccess", console: "Console", _errors: "Console") -> int:
        from flowforge.cli.assets_upkeep import repair_catalog

        return repair_catalog(access, console)

    _run(stage, state, work)


def _run(stage: str | None, state: Path | None, work: Callable[["LakeAccess", "Console", "Console"], int]) -> None:
    from flowforge.cli.endings import status_of
    from flowforge.cli.screen import consoles

    console, errors = consoles()

    def with_lake() -> int:
        from flowforge.cli.lake_access import open_lake

        with open_lake(stage=stage, state=state) as access:
            return work(access, console, errors)

    raise typer.Exit(status_of(with_lake, errors))
