"""What a run did, as tables: rows and keys per job and layer, then what deserves a look."""

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from flowforge.cli.progress_view import LAYERS
from flowforge.cli.results import Results
from flowforge.cli.untrusted import cell, printable
from flowforge.model.step import SilverCounts, Step, StepResult
from flowforge.model.workflow import Workflow

ROLES = {Step.BRONZE_INGEST: "bronze", Step.SILVER_TRANSFORM: "silver", Step.GOLD_PUBLISH: "gold"}


def print_report(console: Console, workflow: Workflow, results: Results) -> None:
    """Print the table of the steps that ended well, and below it quarantines, rules and notes."""
    console.print(summary_table(workflow, results))
    for line in remarks(workflow, results):
        console.print(Text(line), soft_wrap=True)


def summary_table(workflow: Workflow, results: Results) -> Table:
    """Rows in, written, duplicates, quarantined, bytes, seconds and S3 key, a row per job and layer."""
    table = Table("Job", "Layer", box=box.SIMPLE_HEAD)
    for title in ("Rows in", "Written", "Duplicates", "Quarantined", "Bytes", "Seconds"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("S3 key", overflow="fold")
    for job in workflow.jobs:
        for step, layer in LAYERS.items():
            result = results.get((job.id, step))
            if result is not None:
                table.add_row(cell(job.name), layer, *_figures(step, result))
    return table


def remarks(workflow: Workflow, results: Results) -> Iterator[str]:
    """Lines on what deserves a look: where quarantined rows lie, what rules found, what steps noted."""
    for job in workflow.jobs:
        for step in LAYERS:
            result = results.get((job.id, step))
            if result is not None:
                yield from (f"{printable(job.name)}: {line}" for line in _remarks(step, result))


def _figures(step: Step, result: StepResult) -> Iterator[Text]:
    counts = result.counts
    output = result.output(ROLES[step])
    yield Text(f"{counts.read:,}")
    yield Text(f"{output.rows if output else 0:,}")
    yield Text(f"{counts.duplicates:,}" if isinstance(counts, SilverCounts) else "")
    yield Text(f"{counts.quarantined:,}" if isinstance(counts, SilverCounts) else "")
    yield Text(decimal(output.size_bytes) if output else "")
    yield Text(f"{result.duration_seconds:.2f}")
    yield cell(output.key) if output else Text("nothing to write", style="dim")


def _remarks(step: Step, result: StepResult) -> Iterator[str]:
    quarantine = result.output("quarantine")
    if quarantine is not None and quarantine.rows:
        yield f"{quarantine.rows:,} rows in quarantine: {printable(quarantine.key)}"
    for rule in result.rules:
        verdict = f"broken by {rule.failed:,} rows" if rule.failed else "held"
        yield f"rule {printable(rule.rule)} on {printable(rule.column)} ({rule.severity}): {verdict}"
    if result.head == "superseded":
        yield f"{LAYERS[step]} of a later run stays the table; this run's file is kept beside it"
    for note in result.notes:
        yield f"{LAYERS[step]}: {printable(note)}"
