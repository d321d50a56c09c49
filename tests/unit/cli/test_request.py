"""What was typed becomes one workflow with its files, or is refused before anything starts."""

from pathlib import Path

import pytest

from flowforge.cli.job_options import JobOptions
from flowforge.cli.request import Typed, request_from
from flowforge.cli.usage import UsageError
from flowforge.model.errors import ConfigFault

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text("id\n1\n")
    return path


def test_files_become_a_workflow_of_one_job(orders: Path, tmp_path: Path) -> None:
    typed = Typed(files=(str(orders),), job=JobOptions(primary_key=("id",)))
    request = request_from(typed, project=PROJECT, state=tmp_path)
    assert request.workflow.id == "wf_orders"
    assert request.files == {"job_orders": {"landing/wf_orders/job_orders/orders.csv": orders}}


def test_the_name_of_a_compressed_file_is_that_of_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    path.touch()
    request = request_from(Typed(files=(str(path),)), project=PROJECT, state=tmp_path)
    assert request.files == {"job_orders": {"landing/wf_orders/job_orders/orders.csv.gz": path}}


def test_the_sample_is_written_below_the_state_folder(tmp_path: Path) -> None:
    request = request_from(Typed(sample=True), project=PROJECT, state=tmp_path)
    assert [job.name for job in request.workflow.jobs] == ["Customers", "Orders", "Payments"]
    assert [list(keys.values()) for keys in request.files.values()] == [
        [tmp_path / "sample" / "customers.csv"],
        [tmp_path / "sample" / "orders.csv"],
        [tmp_path / "sample" / "payments.csv"],
    ]


def test_a_workflow_finds_its_files_in_the_data_folder(orders: Path, tmp_path: Path) -> None:
    definition = tmp_path / "workflow.yaml"
    definition.write_text("{id: wf, name: W, jobs: [{id: j, name: J, sourceConfig: {fileConfig: {filePattern: o*}}}]}")
    request = request_from(Typed(workflow=definition, data=tmp_path), project=PROJECT, state=tmp_path)
    assert request.files == {"j": {"landing/wf/j/orders.csv": orders}}


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (Typed(), "nothing to run: name FILES"),
        (Typed(files=("a.csv",), sample=True), "FILES and --sample name two things to run"),
        (Typed(files=("a.csv",), workflow=Path("w")), "FILES and --workflow name two things to run"),
        (Typed(workflow=Path("w"), sample=True), "--workflow and --sample name two things to run"),
        (Typed(data=Path("d")), "--data says where the files of a workflow lie: add --workflow FILE"),
        (Typed(sample=True, data=Path("d")), "--data says where the files of a workflow lie"),
        (Typed(sample=True, job=JobOptions(merge=True)), "--merge describe the job of FILES; with --sample"),
        (
            Typed(workflow=Path("w"), data=Path("d"), job=JobOptions(name="x", unique=("a",))),
            "--name, --unique describe the job of FILES; with --workflow",
        ),
    ],
)
def test_contradictions_are_refused(typed: Typed, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        request_from(typed, project=PROJECT, state=tmp_path)
    assert str(error.value).startswith(message)


def test_a_workflow_needs_a_data_folder_unless_all_its_jobs_read_tables(tmp_path: Path) -> None:
    definition = tmp_path / "workflow.yaml"
    definition.write_text("{id: wf, name: W, jobs: [{id: j, name: J}]}")
    with pytest.raises(UsageError, match="--workflow needs to know where its files lie: add --data FOLDER"):
        request_from(Typed(workflow=definition), project=PROJECT, state=tmp_path)
    gold = "{goldConfig: {sql: SELECT * FROM orders, tables: {orders: shop/orders}}}"
    definition.write_text(f"{{id: wf, name: W, jobs: [{{id: j, name: J, type: gold-analytics, destinationConfig: {gold}}}]}}")
    assert request_from(Typed(workflow=definition), project=PROJECT, state=tmp_path).files == {}


def test_a_file_that_is_applied_too_runs_without_its_settings(tmp_path: Path) -> None:
    gold = "{goldConfig: {sql: SELECT * FROM orders, tables: {orders: shop/orders}}}"
    jobs = f"[{{id: j, name: J, type: gold-analytics, destinationConfig: {gold}}}]"
    (tmp_path / "w.yaml").write_text(f"{{id: wf, name: W, owner: anna, tags: [a], paused: true, jobs: {jobs}}}")
    assert request_from(Typed(workflow=tmp_path / "w.yaml"), project=PROJECT, state=tmp_path).workflow.id == "wf"


def test_a_workflow_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--workflow: there is no file"):
        request_from(Typed(workflow=tmp_path / "w.yaml", data=tmp_path), project=PROJECT, state=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"name: W\njobs: ]", "line 2, column 7"),
        (b"- a list", "a workflow is a mapping with the fields id, name and jobs"),
        (b"", "a workflow is a mapping"),
        (b"name: \xff", "the file is not UTF-8 (byte 6)"),
        (b"{id: wf, name: W, jobs: [{id: j, name: J, colour: red}]}", "jobs[0].colour: unknown here"),
        (b"{id: wf, name: W, jobs: []}", "jobs: "),
        (b"id: wf\nname: W\njobs:\n- {id: j, name: J, id: k}", "line 4, column 20: 'id' stands there twice"),
        (b"{id: wf, name: W, priority: urgent, jobs: [{id: j, name: J}]}", "priority: Input should be"),
        (b"{id: a, name: A, jobs: []}\n---\n{id: b, name: B, jobs: []}", "there are 2 workflows in it"),
        (b"!!python/object/apply:os.system ['true']", "line 1, column 1: could not determine a constructor"),
    ],
)
def test_a_wrong_definition_is_a_fault_of_the_configuration_with_its_place(text: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "workflow.yaml"
    path.write_bytes(text)
    with pytest.raises(ConfigFault) as fault:
        request_from(Typed(workflow=path, data=tmp_path), project=PROJECT, state=tmp_path)
    assert str(fault.value).startswith(f"{path}: ")
    assert message in str(fault.value)
