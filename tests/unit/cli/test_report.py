"""The table at the end of a run."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from flowforge.cli.report import print_report
from flowforge.model.layer import Layer
from flowforge.model.reconciliation import Check, ReconciliationOutcome, ReconciliationTerm
from flowforge.model.step import RuleOutcome, SilverCounts, Step, StepResult
from flowforge.model.workflow import Workflow

ResultsOf = Callable[..., dict[tuple[str, Step], StepResult]]


def printed(workflow: Workflow, results: dict[tuple[str, Step], StepResult], *, width: int = 200) -> list[str]:
    console = Console(file=io.StringIO(), width=width, record=True)
    print_report(console, workflow, results)
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_each_layer_has_its_rows_bytes_seconds_and_key(shop: Workflow, results_of: ResultsOf) -> None:
    lines = [line.split() for line in printed(shop, results_of("job_a"))]
    assert ["Apples", "Bronze", "10", "10", "4.3", "kB", "1.25", "bronze/job_a/x.parquet"] in lines
    assert ["Apples", "Silver", "10", "7", "1", "2", "4.3", "kB", "1.25", "silver/job_a/x.parquet"] in lines
    assert ["Apples", "Gold", "7", "3", "4.3", "kB", "1.25", "gold/job_a/x.parquet"] in lines


def test_quarantine_rules_and_notes_stand_below_the_table(shop: Workflow, results_of: ResultsOf) -> None:
    rules = (
        RuleOutcome(rule="mail", column="email", severity="warning", failed=1234),
        RuleOutcome(rule="id", column="id", severity="error", failed=0),
    )
    lines = printed(shop, results_of("job_a", rules=rules, notes=("a\nb",)))
    assert lines[-4:] == [
        "Apples: 2 rows in quarantine: quarantine/job_a/x.parquet",
        "Apples: rule mail on email (warning): broken by 1,234 rows",
        "Apples: rule id on id (error): held",
        "Apples: Silver: a\\nb",
    ]


def test_what_a_merge_did_to_the_table_is_told(shop: Workflow, results_of: ResultsOf) -> None:
    counts = SilverCounts(
        read=9, accepted=9, duplicates=0, quarantined=0, inserted=1, updated=2, unchanged=3, stale=3, before=1000, after=1001
    )
    told = "Bread: table of 1,000 rows: 1 inserted, 2 updated, 3 unchanged, 3 stale; 1,001 rows now"
    assert told in printed(shop, results_of("job_b", silver=counts))


def test_what_a_replacement_did_to_the_table_is_told(shop: Workflow, results_of: ResultsOf) -> None:
    counts = SilverCounts(
        read=1, accepted=1, duplicates=0, quarantined=0, inserted=1, updated=0, unchanged=0, stale=0, deleted=7, before=7, after=1
    )
    assert "Bread: table of 7 rows: 1 inserted, 7 deleted; 1 row now" in printed(shop, results_of("job_b", silver=counts))


def test_keys_are_whole_on_a_narrow_screen_too(shop: Workflow, results_of: ResultsOf) -> None:
    narrow = printed(shop, results_of("job_a"), width=80)
    assert "Apples: Bronze: bronze/job_a/x.parquet" in narrow
    assert not any("…" in line for line in narrow)


def test_the_objects_of_several_files_are_summed_up(shop: Workflow, results_of: ResultsOf) -> None:
    results = results_of("job_a")
    bronze = results["job_a", Step.BRONZE_INGEST]
    results["job_a", Step.BRONZE_INGEST] = bronze.model_copy(update={"outputs": bronze.outputs * 3})
    [line] = [line.split() for line in printed(shop, results) if "Bronze" in line]
    assert line == ["Apples", "Bronze", "10", "30", "13.0", "kB", "1.25", "bronze/job_a/x.parquet", "and", "2", "more"]


def test_nothing_is_printed_where_no_step_ended_well(shop: Workflow) -> None:
    assert printed(shop, {}) == []


def test_a_layer_that_wrote_nothing_says_so(shop: Workflow, results_of: ResultsOf) -> None:
    results = {key: result.model_copy(update={"outputs": ()}) for key, result in results_of("job_a").items()}
    assert sum("nothing to write" in line for line in printed(shop, results)) == 3


def test_a_file_of_an_older_run_is_said_not_to_be_the_table(shop: Workflow, results_of: ResultsOf) -> None:
    results = results_of("job_a")
    result = results["job_a", Step.GOLD_PUBLISH]
    results["job_a", Step.GOLD_PUBLISH] = result.model_copy(update={"head": "superseded"})
    assert any("Gold of a later run stays the table" in line for line in printed(shop, results))


@pytest.mark.parametrize("name", ["[red]x[/red]", "a\x1b[2Jb"])
def test_a_name_is_printed_and_not_obeyed(shop: Workflow, results_of: ResultsOf, name: str) -> None:
    workflow = shop.model_copy(update={"jobs": (shop.jobs[0].model_copy(update={"name": name}),)})
    text = "\n".join(printed(workflow, results_of("job_a")))
    assert name.replace("\x1b", "\\x1b") in text
    assert "\x1b" not in text


def test_comparisons_are_told_with_both_figures(shop: Workflow, results_of: ResultsOf) -> None:
    def outcome(rule: str, right: str, difference: str) -> ReconciliationOutcome:
        terms = [
            ReconciliationTerm(job_id="job_a", layer=layer, value=value)
            for layer, value in ((Layer.BRONZE, "10"), (Layer.GOLD, right))
        ]
        return ReconciliationOutcome(
            rule=rule, check=Check.COUNT, left=terms[0], right=terms[1], difference=difference, tolerance="5%", passed=True
        )

    results = results_of("job_a")
    gold = ("job_a", Step.GOLD_PUBLISH)
    outcomes = (outcome("all", "10", "0"), outcome("most", "9.6", "0.4"))
    results[gold] = results[gold].model_copy(update={"reconciliation": outcomes})
    assert printed(shop, results)[-2:] == [
        "Apples: all (count): bronze of job_a 10 and gold of job_a 10 agree",
        "Apples: most (count): bronze of job_a 10 and gold of job_a 9.6 differ by 0.4, within 5%",
    ]
