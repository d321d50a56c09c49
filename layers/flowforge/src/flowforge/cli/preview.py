"""The first rows of Gold, as a person wants to see them at the end of a run."""

from collections.abc import Sequence

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flowforge.cli.results import Results
from flowforge.cli.untrusted import cell, printable
from flowforge.lake.lake import Lake
from flowforge.model.job import RESERVED_PREFIX
from flowforge.model.step import Step
from flowforge.model.workflow import Workflow

ROWS = 5
COLUMNS = 8
CELL_CHARACTERS = 32


def print_preview(console: Console, lake: Lake, workflow: Workflow, results: Results) -> None:
    """Print the first Gold rows of each job. Reads no more of the object than these rows' row group."""
    for job in workflow.jobs:
        result = results.get((job.id, Step.GOLD_PUBLISH))
        output = result.output("gold") if result else None
        if output is None or not output.rows:
            continue
        rows = pl.scan_parquet(lake.uri(output.key), storage_options=lake.storage_options).head(ROWS).collect()
        console.print(preview_table(f"Gold of {printable(job.name)}", rows, total=output.rows))


def preview_table(title: str, frame: pl.DataFrame, *, total: int) -> Table:
    """Make a table of the rows, without the product's own columns (``_ingested_at``...) and those beyond the eighth."""
    names = [name for name in frame.columns if not name.startswith(RESERVED_PREFIX)]
    shown, left_out = names[:COLUMNS], len(names[COLUMNS:])
    caption = f"{frame.height} of {total:,} rows" + (f", {left_out} more columns" if left_out else "")
    table = Table(title=Text(title), caption=caption, box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left")
    for name in shown:
        table.add_column(cell(name, limit=CELL_CHARACTERS), justify="right" if frame[name].dtype.is_numeric() else "left")
    for row in frame.select(shown).iter_rows():
        table.add_row(*_cells(row))
    return table


def _cells(values: Sequence[object]) -> list[Text]:
    return [Text("null", style="dim") if value is None else cell(str(value), limit=CELL_CHARACTERS) for value in values]
