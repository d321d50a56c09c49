"""The ``flowforge`` command. Heavy libraries are imported when a command needs them: ``--help`` answers at once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowforge.cli.contract_commands import add_contract_commands
from flowforge.cli.stack_commands import add_stack_commands
from flowforge.cli.table_commands import add_table_commands

if TYPE_CHECKING:
    from flowforge.cli.request import Typed

app = typer.Typer(
    help="FlowForge on AWS: files to Bronze, Silver and Gold, on this machine or in an account.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
SOURCES = "Sources"
READING_FILES = "Reading files"
SILVER = "Silver"
SILVER_TABLES = "Silver tables"
GOLD = "Gold"
STACK = "Stack"


@app.callback()
def main() -> None:
    """FlowForge on AWS: files to Bronze, Silver and Gold, on this machine or in an account."""


add_stack_commands(app)
add_table_commands(app)
add_contract_commands(app)


@app.command()
def version() -> None:
    """Print the installed version."""
    from importlib.metadata import version as installed_version

    typer.echo(f"flowforge {installed_version('flowforge')}")


@app.command()
def run(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="CSV, JSON, Excel or Parquet files, folders of them, or glob patterns: the sources of one job, in this order."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the tables; the first file's without it.", rich_help_panel=SOURCES)
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(help="What separates columns; \\t for a tab. A comma without it.", rich_help_panel=READING_FILES),
    ] = None,
    null_value: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="A text that means null. Repeatable.", rich_help_panel=READING_FILES),
    ] = None,
    primary_key: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN,...", help="What makes two rows the same; the later one wins.", rich_help_panel=SILVER),
    ] = None,
    merge: Annotated[
        bool,
        typer.Option(
            "--merge", help="Short for --strategy merge: per primary key the latest run's row.", rich_help_panel=SILVER_TABLES
        ),
    ] = False,
    strategy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What a run does to the Silver table of earlier runs: versioned (its rows are the table; the default), merge, "
            "replace (its rows take the place of all), append (they come on top) or scd_type_2 (per key its versions).",
            rich_help_panel=SILVER_TABLES,
        ),
    ] = None,
    conflict: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which of two rows of a key stays: source_wins (the later one; the default), target_wins (the earlier one) or "
            "most_recent (by --conflict-column).",
            rich_help_panel=SILVER_TABLES,
        ),
    ] = None,
    conflict_column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The row with the greater value here stays.", rich_help_panel=SILVER_TABLES),
    ] = None,
    surrogate_key: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Where surrogate keys come from: hash (the default), uuid, auto_increment (with merge or scd_type_2), or "
            "COLUMN of the source as existing:COLUMN.",
            rich_help_panel=SILVER_TABLES,
        ),
    ] = None,
    effective_date: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="With scd_type_2: from when a row holds, by this column; from its arrival without it.",
            rich_help_panel=SILVER_TABLES,
        ),
    ] = None,
    track_deletes: Annotated[
        bool,
        typer.Option(
            "--track-deletes",
            help="With scd_type_2: every run is a full snapshot, so a key that is missing ends.",
            rich_help_panel=SILVER_TABLES,
        ),
    ] = False,
    group_by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN,...", help="Columns that Gold groups by.", rich_help_panel=GOLD),
    ] = None,
    aggregate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FUNCTION(COLUMN)",
            help="sum, avg, median, min, max, count, count_distinct, first or last per group, such as total=sum(amount) or "
            "count(*). Repeatable.",
            rich_help_panel=GOLD,
        ),
    ] = None,
    time_grain: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN=GRAIN",
            help="Group by the day, week, month, quarter or year of a date or timestamp, such as ordered_on=month.",
            rich_help_panel=GOLD,
        ),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE", help="Where a timestamp's days begin, such as Europe/Berlin; UTC without it.", rich_help_panel=GOLD
        ),
    ] = None,
    order_by: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN [desc],...", help="The order of Gold's rows. Repeatable.", rich_help_panel=GOLD),
    ] = None,
    build: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="How a run makes Gold: full_rebuild (the default), incremental (with --strategy append and an aggregation) or "
            "snapshot (every run's rows stay beside those of the others).",
            rich_help_panel=GOLD,
        ),
    ] = None,
    type: Annotated[  # noqa: A002
        list[str] | None,
        typer.Option(
            metavar="COLUMN=TYPE",
            help="A column's type: text, integer, decimal(12,2), float, boolean, date or timestamp. "
            "Inferred without it. Repeatable.",
            rich_help_panel=SILVER,
        ),
    ] = None,
    not_null: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN,...", help="Rows without a value here go to quarantine.", rich_help_panel=SILVER),
    ] = None,
    unique: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN,...", help="Rows that share a value here go to quarantine.", rich_help_panel=SILVER),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN: RULE",
            help="Rows that break it go to quarantine: 'amount: range(0, 100)', 'code: pattern(^[A-Z]+$)', 'size: enum(S, M)', "
            "'name: length(1, 20)', 'country: referential(geo/countries.code)', 'expression(paid <= amount)'. Repeatable.",
            rich_help_panel=SILVER,
        ),
    ] = None,
    warn: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN: RULE", help="The same, for rules that are only counted. Repeatable.", rich_help_panel=SILVER
        ),
    ] = None,
    filter: Annotated[  # noqa: A002
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="Rows to keep: 'amount > 0', 'status != void', 'name contains GmbH', 'size in S, M', 'email is not null'. "
            "Repeatable.",
            rich_help_panel=SILVER,
        ),
    ] = None,
    transform: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN: CHANGE, ...",
            help="Changes to a column: trim, uppercase, lowercase, replace(a, b), substring(1, 3), email_normalize, "
            "phone_format(49), format(%d.%m.%Y). Repeatable.",
            rich_help_panel=SILVER,
        ),
    ] = None,
    derive: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN TYPE = EXPRESSION",
            help="A column that is computed: 'net decimal(12,2) = amount - tax'. Repeatable.",
            rich_help_panel=SILVER,
        ),
    ] = None,
    max_error_rate: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The share of bad rows beyond which the run changes nothing.", rich_help_panel=SILVER),
    ] = None,
    widen: Annotated[
        bool,
        typer.Option("--widen", help="Let an inferred type grow for values that do not fit.", rich_help_panel=SILVER),
    ] = False,
    format: Annotated[  # noqa: A002
        str | None,
        typer.Option(
            metavar="NAME",
            help="csv, json, excel or parquet. Told by content and extension without it.",
            rich_help_panel=READING_FILES,
        ),
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|N",
            help="The sheet of a workbook, by name or number from 1. The first without it.",
            rich_help_panel=READING_FILES,
        ),
    ] = None,
    all_sheets: Annotated[
        bool, typer.Option("--all-sheets", help="Read every visible sheet of a workbook.", rich_help_panel=READING_FILES)
    ] = False,
    header_row: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="The row of the sheet that holds the names. The first one with content without it.",
            rich_help_panel=READING_FILES,
        ),
    ] = None,
    record_path: Annotated[
        str | None,
        typer.Option(
            metavar="NAME.NAME",
            help="The array of a JSON document that holds the records, such as data.items.",
            rich_help_panel=READING_FILES,
        ),
    ] = None,
    schema_evolution: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Files of other columns than before: strict (they are refused; the default), add_new_columns, ignore_extra.",
            rich_help_panel=READING_FILES,
        ),
    ] = None,
    workflow: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A workflow as YAML, instead of FILES.", rich_help_panel=SOURCES),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the files of its jobs lie, found by filePattern.",
            rich_help_panel=SOURCES,
        ),
    ] = None,
    sample: Annotated[
        bool,
        typer.Option(
            "--sample",
            help="Make the sample files of a shop and run its workflow on them.",
            rich_help_panel=SOURCES,
        ),
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the local stack keeps its data; .flowforge in the project without it.",
            rich_help_panel=STACK,
        ),
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
            conflict=conflict,
            conflict_column=conflict_column,
            surrogate_key=surrogate_key,
            effective_date=effective_date,
            track_deletes=track_deletes,
            group_by=tuple(group_by or ()),
            aggregate=tuple(aggregate or ()),
            time_grain=time_grain,
            time_zone=time_zone,
            order_by=tuple(order_by or ()),
            build=build,
            name=name,
            delimiter=delimiter,
            null_value=tuple(null_value or ()),
            format=format,
            sheet=sheet,
            all_sheets=all_sheets,
            header_row=header_row,
            record_path=record_path,
            schema_evolution=schema_evolution,
            type=tuple(type or ()),
            not_null=tuple(not_null or ()),
            unique=tuple(unique or ()),
            rule=tuple(rule or ()),
            warn=tuple(warn or ()),
            filter=tuple(filter or ()),
            transform=tuple(transform or ()),
            derive=tuple(derive or ()),
            max_error_rate=max_error_rate,
            widen=widen,
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
