"""Progress on a terminal and off it."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from flowforge.cli.progress import Progress, StepProgress, StepState
from flowforge.cli.progress_view import describe, news, progress_table, progress_view
from flowforge.model.step import Step

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JOBS = {"a": "Apples", "b": "Bread [red]\x1b[2J"}
RUNNING = StepProgress(StepState.RUNNING, tries=1, entered=NOW - timedelta(seconds=2))
DONE = StepProgress(StepState.SUCCEEDED, tries=1, entered=NOW - timedelta(seconds=3), left=NOW)


def at(job: str, step: Step, progress: StepProgress) -> Progress:
    return Progress({(job, step): progress})


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (StepProgress(), "waiting"),
        (RUNNING, "running 2.0 s"),
        (DONE, "done in 3.0 s"),
        (StepProgress(StepState.RETRYING, tries=1, error="RetryLater"), "try 1 failed with RetryLater"),
        (
            StepProgress(StepState.RUNNING, tries=2, error="RetryLater", entered=NOW),
            "running 0.0 s, try 2 after RetryLater",
        ),
        (StepProgress(StepState.FAILED, tries=1, error="DataFault"), "failed with DataFault"),
        (StepProgress(StepState.FAILED, error="a\nb"), "failed with a\\nb"),
    ],
)
def test_a_step_is_described_in_a_few_words(step: StepProgress, words: str) -> None:
    assert describe(step, now=NOW) == words


def test_only_what_changed_is_news() -> None:
    before = at("a", Step.BRONZE_INGEST, RUNNING)
    after = Progress({("a", Step.BRONZE_INGEST): DONE, ("a", Step.SILVER_TRANSFORM): RUNNING})
    assert news(before, after, JOBS) == [
        "Apples: Bronze done in 3.0 s",
        "Apples: Silver running",
    ]
    assert news(after, after, JOBS) == []


def test_the_first_try_is_no_news_and_the_second_is() -> None:
    entered = at("a", Step.GOLD_PUBLISH, StepProgress(StepState.RUNNING, tries=0, entered=NOW))
    first = at("a", Step.GOLD_PUBLISH, StepProgress(StepState.RUNNING, tries=1, entered=NOW))
    second = at("a", Step.GOLD_PUBLISH, StepProgress(StepState.RUNNING, tries=2, error="X", entered=NOW))
    assert news(entered, first, JOBS) == []
    assert news(first, second, JOBS) == ["Apples: Gold running, try 2 after X"]


def test_names_can_neither_move_the_cursor_nor_use_markup() -> None:
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(progress_table(at("b", Step.GOLD_PUBLISH, DONE), JOBS, now=NOW))
    text = console.export_text()
    assert "Bread [red]\\x1b[2J" in text
    assert "done in 3.0 s" in text


def test_off_a_terminal_progress_is_plain_lines() -> None:
    file = io.StringIO()
    console = Console(file=file, width=20)
    with progress_view(console, JOBS) as show:
        show(at("b", Step.BRONZE_INGEST, RUNNING))
        show(at("b", Step.BRONZE_INGEST, DONE))
    lines = file.getvalue().splitlines()
    assert [line.split(" Bronze ")[0] for line in lines] == ["Bread [red]\\x1b[2J:"] * 2
    assert lines[1].endswith("done in 3.0 s")


@pytest.mark.parametrize("no_color", [True, False])
def test_on_a_terminal_progress_is_a_table_that_stays_in_place(no_color: bool) -> None:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, no_color=no_color, color_system="standard")
    with progress_view(console, JOBS) as show:
        show(at("a", Step.BRONZE_INGEST, DONE))
    drawn = file.getvalue()
    assert "Apples" in drawn
    assert "done in 3.0 s" in drawn
    assert ("\x1b[32m" in drawn) is not no_color


def test_a_step_that_a_job_does_not_take_is_not_waited_for() -> None:
    console = Console(file=io.StringIO(), width=80, record=True)
    taken = {"job_a": (Step.GOLD_PUBLISH,)}
    console.print(progress_table(Progress(), {"job_a": "Sales", "job_b": "Orders"}, now=NOW, taken=taken))
    sales, orders = [line.replace("│", " ").split() for line in console.export_text().splitlines() if "waiting" in line]
    assert sales == ["Sales", "–", "–", "waiting"]
    assert orders == ["Orders", *["waiting"] * 3]
