"""The sample through the shipped machine: what the command reports and what lies in the lake is what was planted."""

import json
import subprocess
from decimal import Decimal
from pathlib import Path

import boto3
import duckdb
import polars as pl
import pytest

from e2e.command import RUN_SECONDS, command, environment
from flowforge.lake.athena import Athena
from flowforge.lake.lake import Lake
from flowforge.local.sample_data import write_sample
from flowforge.local.sample_flaws import Account
from flowforge.local.stack_file import StackFile
from flowforge.model.layer import LAYERS_OF_TABLES
from flowforge.model.plan import Plan
from flowforge.model.step import SilverCounts, Step, StepResult

JOBS = {"job_customers": "customers.csv", "job_orders": "orders.csv", "job_payments": "payments.csv"}


@pytest.fixture(scope="module")
def runs(kept_stack: None, state: Path) -> list[subprocess.CompletedProcess[str]]:  # noqa: ARG001 -- what they run on
    """The sample, run twice on the same stack."""
    return [
        subprocess.run(
            command("run", "--sample", "--state", state),
            env=environment(),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        for _ in range(2)
    ]


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Account]:
    return write_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="module")
def lake(runs: list[subprocess.CompletedProcess[str]], state: Path) -> Lake:
    """The lake that the two runs left behind."""
    assert [run.returncode for run in runs] == [0, 0]
    found = StackFile.read(state / "stack.json")
    assert found is not None
    stack = found.connection()
    session = boto3.session.Session("test", "test", region_name="us-east-1")
    return Lake.connect(stack.data_bucket, session, endpoint_url=stack.endpoints["aws"])


@pytest.fixture(scope="module")
def results(lake: Lake) -> list[dict[tuple[str, Step], StepResult]]:
    """The results of each run, in the order of the runs."""
    stored_plans = [lake.read(item.key) for item in lake.list_objects("runs/") if item.key.endswith("/plan.json")]
    plans = [Plan.model_validate_json(stored[0]) for stored in stored_plans if stored]
    answer = []
    for plan in sorted(plans, key=lambda plan: plan.planned_at):
        of_run = {}
        for job in JOBS:
            for step in Step:
                stored = lake.read(f"runs/{plan.execution_id}/{job}/{step}.json")
                assert stored is not None
                of_run[job, step] = StepResult.model_validate_json(stored[0])
        answer.append(of_run)
    return answer


def test_both_runs_succeed_and_say_nothing_on_standard_error(runs: list[subprocess.CompletedProcess[str]]) -> None:
    assert [(run.returncode, run.stderr) for run in runs] == [(0, ""), (0, "")]


def test_progress_of_each_job_and_step_is_shown(runs: list[subprocess.CompletedProcess[str]]) -> None:
    for job in ("Customers", "Orders", "Payments"):
        for layer in ("Bronze", "Silver", "Gold"):
            assert f"\n{job}: {layer} done in " in runs[0].stdout


@pytest.mark.parametrize(("job", "name"), JOBS.items())
def test_the_reported_rows_are_those_that_were_planted(
    runs: list[subprocess.CompletedProcess[str]], accounts: dict[str, Account], job: str, name: str
) -> None:
    account = accounts[name]
    title = job.removeprefix("job_").title()
    [line] = [line.split() for line in runs[0].stdout.splitlines() if line.split()[:2] == [title, "Silver"]]
    assert line[2:6] == [f"{rows:,}" for rows in (account.records, account.accepted, account.superseded, account.quarantined)]


@pytest.mark.parametrize(("job", "name"), JOBS.items())
def test_silver_counts_are_those_that_were_planted(
    results: list[dict[tuple[str, Step], StepResult]], accounts: dict[str, Account], job: str, name: str
) -> None:
    account = accounts[name]
    for run in results:
        counts = run[job, Step.SILVER_TRANSFORM].counts
        assert isinstance(counts, SilverCounts)
        assert (counts.read, counts.accepted) == (account.records, account.accepted)
        assert (counts.duplicates, counts.quarantined) == (account.superseded, account.quarantined)


def test_merging_the_same_file_again_changes_nothing(results: list[dict[tuple[str, Step], StepResult]]) -> None:
    first, second = (run["job_orders", Step.SILVER_TRANSFORM].counts for run in results)
    assert isinstance(first, SilverCounts)
    assert isinstance(second, SilverCounts)
    assert (first.before, first.after) == (0, first.accepted)
    assert (second.before, second.after, second.inserted) == (first.after, first.after, 0)


@pytest.mark.parametrize(("job", "group", "count"), [("job_orders", "country", "orders"), ("job_payments", "method", "payments")])
def test_gold_holds_the_planted_sums_of_each_group(
    lake: Lake,
    results: list[dict[tuple[str, Step], StepResult]],
    accounts: dict[str, Account],
    job: str,
    group: str,
    count: str,
) -> None:
    expected = {(name or None, rows.rows, Decimal(rows.cents) / 100) for name, rows in accounts[JOBS[job]].groups.items()}
    for run in results:
        output = run[job, Step.GOLD_PUBLISH].output("gold")
        assert output is not None
        gold = pl.read_parquet(lake.uri(output.key), storage_options=lake.storage_options)
        assert set(gold.select(group, count, "amount").iter_rows()) == expected


def test_customers_keep_leading_zeros_umlauts_and_line_breaks(
    lake: Lake, results: list[dict[tuple[str, Step], StepResult]]
) -> None:
    output = results[0]["job_customers", Step.SILVER_TRANSFORM].output("silver")
    assert output is not None
    silver = pl.read_parquet(lake.uri(output.key), storage_options=lake.storage_options)
    assert silver["customer_id"].is_unique().all()
    assert silver["registered_on"].dtype == pl.Date
    assert "01067" in silver["postal_code"].to_list()
    assert {"Müller", "Großmann", "Dvořák"} <= set(silver["last_name"])
    assert silver.filter(pl.col("note").str.contains("\n")).height > 0
    assert silver.filter(pl.col("last_name") != pl.col("last_name").str.strip_chars()).height == 0


def test_the_record_of_each_execution_says_that_it_succeeded(lake: Lake) -> None:
    records = [lake.read(item.key) for item in lake.list_objects("runs/") if item.key.endswith("/record.json")]
    assert [json.loads(record[0])["status"] for record in records if record] == ["succeeded", "succeeded"]


def test_every_table_answers_through_athena_with_the_rows_that_duckdb_finds_in_its_files(
    lake: Lake, state: Path, tmp_path: Path
) -> None:
    found = StackFile.read(state / "stack.json")
    assert found is not None
    stack = found.connection()
    catalog, athena = stack.lake().catalog, Athena(stack.client("athena"), "dev")
    assert catalog is not None
    counted = 0
    for layer in LAYERS_OF_TABLES:
        for table in catalog.tables(layer):
            (row,) = athena.query(f"SELECT count(*) FROM {table.name}", database=catalog.database(layer)).rows
            if table.is_view:
                assert row == (table.parameters["recordCount"],)
                continue
            prefix = table.parameters["flowforge.prefix"]
            keys = [item.key for item in lake.list_objects(prefix) if item.key.endswith(".parquet")]
            for number, key in enumerate(keys):
                lake.client.download_file(lake.bucket, key, str(tmp_path / f"{table.name}_{layer}_{number}.parquet"))
            with duckdb.connect() as duck:
                files = str(tmp_path / f"{table.name}_{layer}_*.parquet")
                assert duck.execute("SELECT count(*) FROM read_parquet(?)", [files]).fetchall() == [(int(row[0] or 0),)], (
                    table.name
                )
            counted += 1
    assert counted == len(JOBS) * len(LAYERS_OF_TABLES)


def test_a_person_asks_and_gets_rows_and_their_cost(lake: Lake, state: Path) -> None:  # noqa: ARG001 -- the runs come first
    sql = "SELECT count(*) AS orders, sum(amount) > 0 AS sold FROM shop_orders_latest"
    asked = subprocess.run(
        command("query", sql, "--format", "json", "--state", state),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr
    (row,) = json.loads(asked.stdout)
    assert row.keys() == {"orders", "sold"}
    assert asked.stderr.startswith("1 row, ")
    assert " USD (" in asked.stderr
