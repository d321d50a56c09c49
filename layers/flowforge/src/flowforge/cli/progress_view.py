"""Progress on the screen: a table that stays in place on a terminal, lines as things happen anywhere else."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from flowforge.cli.progress import Progress, StepProgress, StepState
from flowforge.cli.untrusted import cell, printable
from flowforge.model.step import Step

LAYERS = {Step.BRONZE_INGEST: "Bronze", Step.SILVER_TRANSFORM: "Silver", Step.GOLD_PUBLISH: "Gold"}
STYLES = {
    StepState.WAITING: "dim",
    StepState.RUNNING: "cyan",
    StepState.RETRYING: "yellow",
    StepState.SUCCEEDED: "green",
    StepState.FAILED: "bold red",
    StepState.SKIPPED: "dim",
    StepState.CANCELLED: "yellow",
}
REFRESHES_PER_SECOND = 8
NOT_TAKEN = "–"
ALL_STEPS: Mapping[str, Collection[Step]] = {}


@contextmanager
def progress_view(
    console: Console, jobs: Mapping[str, str], taken: Mapping[str, Collection[Step]] = ALL_STEPS
) -> Iterator[Callable[[Progress], None]]:
    """Show progress while the block runs. ``jobs`` maps ids to names, in the order in which they are shown.

    ``taken`` maps the ids of jobs that do not take every step to those that they take.
    """
    if console.is_interactive:
        latest = Progress()

        def replace_table(progress: Progress) -> None:
            nonlocal latest
            latest = progress

        def table() -> Table:
            return progress_table(latest, jobs, now=datetime.now(UTC), taken=taken)

        with Live(console=console, get_renderable=table, refresh_per_second=REFRESHES_PER_SECOND):
            yield replace_table
        return
    seen = Progress()

    def print_news(progress: Progress) -> None:
        nonlocal seen
        for line in news(seen, progress, jobs):
            console.print(line, markup=False, soft_wrap=True)
        seen = progress

    yield print_news


def progress_table(
    progress: Progress, jobs: Mapping[str, str], *, now: datetime, taken: Mapping[str, Collection[Step]] = ALL_STEPS
) -> Table:
    """Make a table of the state of every step, a row per job and a column per layer."""
    table = Table("Job", *LAYERS.values())
    for job_id, name in jobs.items():
        table.add_row(cell(name), *(_cell(progress.step(job_id, step), now, step in taken.get(job_id, Step)) for step in LAYERS))
    return table


def _cell(step: StepProgress, now: datetime, taken: bool) -> Text:
    return Text(describe(step, now=now), style=STYLES[step.state]) if taken else Text(NOT_TAKEN, style="dim")


def news(before: Progress, after: Progress, jobs: Mapping[str, str]) -> list[str]:
    """Write a line for each step that is elsewhere, or in another try, than before."""
    return [
        f"{printable(name)}: {layer} {describe(after.step(job_id, step))}"
        for job_id, name in jobs.items()
        for step, layer in LAYERS.items()
        if _stage(before.step(job_id, step)) != _stage(after.step(job_id, step))
    ]


def describe(step: StepProgress, *, now: datetime | None = None) -> str:
    """Tell the state of a step in a few words; with ``now``, also how long a running one has been going on."""
    seconds = f" {step.seconds(now):.1f} s" if now or step.left else ""
    error = printable(step.error or "an error")
    match step.state:
        case StepState.WAITING | StepState.SKIPPED | StepState.CANCELLED:
            return step.state.value
        case StepState.RUNNING if step.tries > 1:
            return f"running{seconds}, try {step.tries} after {error}"
        case StepState.RUNNING:
            return f"running{seconds}"
        case StepState.RETRYING:
            return f"try {step.tries} failed with {error}"
        case StepState.SUCCEEDED:
            return f"done in{seconds}"
        case StepState.FAILED:
            return f"failed with {error}"


def _stage(step: StepProgress) -> tuple[StepState, int]:
    # The first try is scheduled a moment after its state is entered, which is no news.
    return step.state, max(step.tries, 1)
