"""Bad input ends the execution with a message that names it; every table stays as it was."""

import hashlib
from pathlib import Path

import pytest

from e2e.command import Flowforge

pytestmark = pytest.mark.usefixtures("stacks_on_the_server_of_the_tests", "kept_stack")


def tables(state: Path) -> dict[str, str]:
    """The objects of the layers, as the emulator keeps them on disk."""
    found = {}
    for path in sorted((state / "s3").rglob("*")):
        if path.is_file() and {"silver", "gold"} & set(path.parts):
            found[str(path.relative_to(state))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.fixture
def good(flowforge: Flowforge, tmp_path: Path, state: Path) -> dict[str, str]:
    """The tables that one good run of ``orders`` left."""
    if not tables(state):
        (tmp_path / "orders.csv").write_text("order_id,amount\n1,2\n")
        assert flowforge("orders.csv", "--primary-key", "order_id", "--merge").returncode == 0
    found = tables(state)
    assert found
    return found


@pytest.mark.parametrize(
    ("name", "content", "options", "named"),
    [
        ("orders.csv", "order_id,amount\n1,2\n2,3,4\n", ["--primary-key", "order_id"], ["orders.csv", "DataFault", "row 2"]),
        ("orders.csv", "order_id,amount\n1,2\n", ["--primary-key", "id"], ["ConfigFault", "id"]),
        ("orders.csv", "", ["--primary-key", "order_id"], ["orders.csv", "empty"]),
        ("orders.parquet", "PAR1", ["--primary-key", "order_id", "--name", "orders"], ["orders.parquet"]),
        (
            "orders.csv",
            "order_id,amount\n1,\xff\n",
            ["--primary-key", "order_id", "--encoding", "utf-8"],
            ["orders.csv", "row 1", "UTF-8"],
        ),
    ],
    ids=["a row too long", "a key column that is not there", "an empty file", "an unknown format", "another encoding"],
)
def test_bad_input_is_named_and_changes_no_table(
    flowforge: Flowforge,
    tmp_path: Path,
    state: Path,
    good: dict[str, str],
    name: str,
    content: str,
    options: list[str],
    named: list[str],
) -> None:
    (tmp_path / name).write_text(content, encoding="latin-1")
    done = flowforge(name, *options, "--merge")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    for word in named:
        assert word in done.stderr
    assert tables(state) == good


def test_a_failing_job_stops_neither_its_siblings_nor_their_report(flowforge: Flowforge, tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_text(
        """
        id: wf_two
        name: Two
        jobs:
          - {id: job_bad, name: "Bad [bold]", sourceConfig: {fileConfig: {filePattern: bad.csv}}}
          - {id: job_good, name: Good, sourceConfig: {fileConfig: {filePattern: good.csv}}}
          - {id: job_later, name: Later, order: 2, sourceConfig: {fileConfig: {filePattern: good.csv}}}
        """
    )
    (tmp_path / "bad.csv").write_text("id\n1,2\n")
    (tmp_path / "good.csv").write_text("id\n1\n")
    done = flowforge("--workflow", "workflow.yaml", "--data", ".")
    assert done.returncode == 1
    assert done.stderr.startswith("error: Bad [bold], bronze_ingest: DataFault: ")
    assert "Good: Gold done in" in done.stdout
    assert "gold/analytics/good/" in done.stdout
    assert "Later: Bronze" not in done.stdout


def test_wrong_usage_starts_nothing(flowforge: Flowforge, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id\n1\n")
    done = flowforge("orders.csv", "--aggregate", "mode(order_id)")
    assert done.returncode == 2
    assert "'mode(order_id)' is no aggregate" in done.stderr
    assert done.stdout == ""
