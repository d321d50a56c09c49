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

WIDTH_WITH_KEYS = 150
ROLES = {Step.BRONZE_INGEST: "bronze", Step.SILVER_TRANSFORM: "silver", Step.GOLD_PUBLISH: "gold"}


def print_report(console: Console, workflow: Workflow, results: Results) -> None:
    """Print the table of the steps that ended well, and below it quarantines, rules and notes.

    S3 keys are a column of the table where the screen has room for them, and lines below it elsewhere.
    """
    if not results:
        return
    room_for_keys = console.width >= WIDTH_WITH_KEYS
    console.print(summary_table(workflow, results, keys=room_for_keys))
    if not room_for_keys:
        for line in key_lines(workflow, results):
            console.print(Text(line), soft_wrap=True)
    for line in remarks(workflow, results):
        console.print(Text(line), soft_wrap=True)


def summary_table(workflow: Workflow, results: Results, *, keys: bool) -> Table:
    """Rows in, written, duplicates, quarantined, bytes, seconds and, with ``keys``, the S3 key, a row per job and layer."""
    table = Table("Job", "Layer", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for title in ("Rows in", "Written", "Duplicates", "Quarantined", "Bytes", "Seconds"):
        table.add_column(title, justify="right", no_wrap=True)
    if keys:
        table.add_column("S3 key", overflow="fold")
    for job in workflow.jobs:
        for step, layer in LAYERS.items():
            result = results.get((job.id, step))
            if result is not None:
                key = [cell(_key(step, result))] if keys else []
                table.add_row(cell(job.name), layer, *_figures(step, result), *key)
    return table


def key_lines(workflow: Workflow, results: Results) -> Iterator[str]:
    """Where each layer of each job lies, a line each."""
    for job in workflow.jobs:
        for step, layer in LAYERS.items():
            result = results.get((job.id, step))
            if result is not None:
                yield f"{printable(job.name)}: {layer}: {printable(_key(step, result))}"


def remarks(workflow: Workflow, results: Results) -> Iterator[str]:
    """Lines on what deserves a look: where quarantined rows lie, what rules found, what steps noted."""
    for job in workflow.jobs:
        for step in LAYERS:
            result = results.get((job.id, step))
            if result is not None:
                yield from (f"{printable(job.name)}: {line}" for line in _remarks(step, result))


def _figures(step: Step, result: StepResult) -> Iterator[Text]:
    counts = result.counts
    outputs = [output for output in result.outputs if output.role == ROLES[step]]
    yield Text(f"{counts.read:,}")
    yield Text(f"{sum(output.rows for output in outputs):,}")
    yield Text(f"{counts.duplicates:,}" if isinstance(counts, SilverCounts) else "")
    yield Text(f"{counts.quarantined:,}" if isinstance(counts, SilverCounts) else "")
    yield Text(decimal(sum(output.size_bytes for output in outputs)))
    yield Text(f"{result.duration_seconds:.2f}")


def _key(step: Step, result: StepResult) -> str:
    """The key of the layer's object, and how many more there are: Bronze has one for each source file."""
    keys = [output.key for output in result.outputs if output.role == ROLES[step]]
    if not keys:
        return "nothing to write"
    return keys[0] + (f" and {len(keys) - 1} more" if len(keys) > 1 else "")


def _remarks(step: Step, result: StepResult) -> Iterator[str]:
    counts = result.counts
    if isinstance(counts, SilverCounts) and counts.before:
        told = [f"{number:,} {what}" for what, number in _changes(counts).items() if number]
        yield f"table of {_rows(counts.before)}: {', '.join(told) or 'no change'}; {_rows(counts.after)} now"
    quarantine = result.output("quarantine")
    if quarantine is not None and quarantine.rows:
        yield f"{_rows(quarantine.rows)} in quarantine: {printable(quarantine.key)}"
    if isinstance(counts, SilverCounts) and counts.filtered:
        yield f"{_rows(counts.filtered)} left out by filters"
    for rule in result.rules:
        verdict = f"broken by {_rows(rule.failed)}" if rule.failed else "held"
        yield f"rule {printable(rule.rule)} on {printable(rule.column)} ({rule.severity}): {verdict}"
    for outcome in result.reconciliation:
        sides = [f"{term.layer} of {printable(term.job_id)} {term.value}" for term in (outcome.left, outcome.right)]
        apart = (
            f"differ by {outcome.difference}, within {outcome.tolerance}" if outcome.difference not in (None, "0") else "agree"
        )
        yield f"{printable(outcome.rule)} ({outcome.check}): {' and '.join(sides)} {apart}"
    if result.head == "superseded":
        # A table of one object has no place for the rows of an earlier run.
        kept = (
            "this run's rows are in Bronze"
            if step is Step.SILVER_TRANSFORM and result.table_version
            else "this run's file is kept beside it"
        )
        yield f"{LAYERS[step]} of a later run stays the table; {kept}"
    of_rules = tuple(f"the rule {rule.rule} is broken" for rule in result.rules)
    for note in (note for note in result.notes if not note.startswith(of_rules)):
        yield f"{LAYERS[step]}: {printable(note)}"


def _changes(counts: SilverCounts) -> dict[str, int]:
    return counts.model_dump(include={"inserted", "updated", "unchanged", "stale", "deleted"})


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
