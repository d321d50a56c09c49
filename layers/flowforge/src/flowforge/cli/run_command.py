"""``flowforge run``: files or a workflow through Bronze, Silver and Gold on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flowforge.cli import reading_parameters as reading
from flowforge.cli import table_parameters as tables
from flowforge.cli.panels import MACHINE

if TYPE_CHECKING:
    from flowforge.cli.request import Typed

SOURCES = "Sources"
STACK = "Stack"


def add_run_command(app: typer.Typer) -> None:
    """Add it to the command line."""
    app.command(rich_help_panel=MACHINE)(run)


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
    format: reading.Format = None,  # noqa: A002
    encoding: reading.Encoding = None,
    delimiter: reading.Delimiter = None,
    quote: reading.Quote = None,
    escape: reading.Escape = None,
    comment: reading.Comment = None,
    no_header: reading.NoHeader = False,
    skip_rows: reading.SkipRows = 0,
    skip_footer_rows: reading.SkipFooterRows = 0,
    null_value: reading.NullValue = None,
    on_malformed: reading.OnMalformed = None,
    max_malformed: reading.MaxMalformed = None,
    sheet: reading.Sheet = None,
    all_sheets: reading.AllSheets = False,
    header_row: reading.HeaderRow = None,
    record_path: reading.RecordPath = None,
    schema_evolution: reading.SchemaEvolution = None,
    primary_key: tables.PrimaryKey = None,
    type: tables.Type = None,  # noqa: A002
    not_null: tables.NotNull = None,
    unique: tables.Unique = None,
    rule: tables.Rule = None,
    warn: tables.Warn = None,
    filter: tables.Filter = None,  # noqa: A002
    transform: tables.Transform = None,
    derive: tables.Derive = None,
    max_error_rate: tables.MaxErrorRate = None,
    widen: tables.Widen = False,
    merge: tables.Merge = False,
    strategy: tables.Strategy = None,
    conflict: tables.Conflict = None,
    conflict_column: tables.ConflictColumn = None,
    surrogate_key: tables.SurrogateKey = None,
    effective_date: tables.EffectiveDate = None,
    track_deletes: tables.TrackDeletes = False,
    group_by: tables.GroupBy = None,
    aggregate: tables.Aggregate = None,
    time_grain: tables.TimeGrain = None,
    time_zone: tables.TimeZone = None,
    order_by: tables.OrderBy = None,
    build: tables.Build = None,
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
            name=name,
            format=format,
            encoding=encoding,
            delimiter=delimiter,
            quote=quote,
            escape=escape,
            comment=comment,
            no_header=no_header,
            skip_rows=skip_rows,
            skip_footer_rows=skip_footer_rows,
            null_value=tuple(null_value or ()),
            on_malformed=on_malformed,
            max_malformed=max_malformed,
            sheet=sheet,
            all_sheets=all_sheets,
            header_row=header_row,
            record_path=record_path,
            schema_evolution=schema_evolution,
            primary_key=tuple(primary_key or ()),
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
