"""The first rows of Gold and of the quarantine, as a person wants to see them at the end of a run."""

from collections.abc import Sequence
from itertools import product

import polars as pl
from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from flowforge.cli.endings import say
from flowforge.cli.results import Results
from flowforge.cli.untrusted import cell, printable
from flowforge.lake.lake import Lake
from flowforge.medallion.silver import REASON
from flowforge.model.names import RESERVED_PREFIX
from flowforge.model.step import Step
from flowforge.model.workflow import Workflow
from flowforge.steps.attempt import scan
from flowforge.steps.engine_errors import engine_errors

ROWS = 5
COLUMNS = 8
CELL_CHARACTERS = 32
REASONS = 3
REASON_CHARACTERS = 160


def print_preview(console: Console, lake: Lake, workflow: Workflow, results: Results) -> None:
    """Print the first Gold rows of each job. Reads no more of the object than these rows' row group."""
    for job in workflow.jobs:
        result = results.get((job.id, Step.GOLD_PUBLISH))
        output = result.output("gold") if result else None
        if output is None or not output.rows:
            continue
        with engine_errors(f"the first rows of {output.key} could not be read"):
            rows = scan(lake, output.key).head(ROWS).collect()
        print_rows(console, f"Gold of {job.name}", rows, total=output.rows)


def print_quarantine(console: Console, lake: Lake, workflow: Workflow, results: Results) -> None:
    """Print why the first rows of each job's quarantine are there: file, record and reason."""
    for job, step in product(workflow.jobs, (Step.BRONZE_INGEST, Step.SILVER_TRANSFORM)):
        result = results.get((job.id, step))
        output = result.output("quarantine") if result else None
        if output is None:
            continue
        with engine_errors(f"the first rows of {output.key} could not be read"):
            rows = scan(lake, output.key).select("_source_file", "_row_number", REASON).head(REASONS).collect()
        for file, number, reason in rows.iter_rows():
            told = printable(reason, limit=REASON_CHARACTERS)
            say(console, f"{printable(job.name)}: {printable(file)}, row {number}: {told}")
        if output.rows > rows.height:
            say(console, f"{printable(job.name)}: and {output.rows - rows.height:,} more in quarantine")


def print_rows(console: Console, name: str, frame: pl.DataFrame, *, total: int) -> None:
    """Print rows of a dataset, without the product's own columns (``_ingested_at``...) and those beyond the eighth."""
    names = [column for column in frame.columns if not column.startswith(RESERVED_PREFIX)]
    shown, left_out = names[:COLUMNS], len(names[COLUMNS:])
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in shown:
        justify: JustifyMethod = "right" if frame[column].dtype.is_numeric() else "left"
        table.add_column(cell(column, limit=CELL_CHARACTERS), justify=justify)
    for row in frame.select(shown).iter_rows():
        table.add_row(*_cells(row))
    more = f", {left_out} more columns" if left_out else ""
    say(console, f"{name}, {frame.height:,} of {total:,} rows{more}:")
    console.print(table)


def _cells(values: Sequence[object]) -> list[Text]:
    return [Text("null", style="dim") if value is None else cell(str(value), limit=CELL_CHARACTERS) for value in values]
