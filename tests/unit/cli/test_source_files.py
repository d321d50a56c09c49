"""Files are found by name, folder and pattern, in an order that a person can foresee."""

from pathlib import Path

import pytest

from flowforge.cli.source_files import landing_keys, matching_files, named_files
from flowforge.cli.usage import UsageError
from flowforge.model.source_format import SourceFormat
from flowforge.model.workflow import Workflow, read_workflow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv", "c.CSV", "notes.txt", "odd[1].csv"):
        (tmp_path / name).touch()
    (tmp_path / "inner.csv").mkdir()
    return tmp_path


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_files_keep_the_order_in_which_they_are_named(folder: Path) -> None:
    assert names(named_files([str(folder / "b.csv"), str(folder / "a.csv")])) == ["b.csv", "a.csv"]


def test_a_folder_stands_for_its_data_files_by_name(folder: Path) -> None:
    assert names(named_files([str(folder)])) == ["a.csv", "b.csv", "c.CSV", "odd[1].csv"]


def test_a_compressed_file_of_a_folder_is_of_the_format_that_its_name_tells(folder: Path) -> None:
    for name in ("d.csv.gz", "notes.txt.zst", "e.zip"):
        (folder / name).touch()
    assert names(named_files([str(folder)])) == ["a.csv", "b.csv", "c.CSV", "d.csv.gz", "odd[1].csv"]
    (folder / "d.json.gz").touch()
    assert names(named_files([str(folder)], SourceFormat.JSON)) == ["d.json.gz"]


def test_of_a_folder_with_several_formats_one_must_be_wanted(folder: Path) -> None:
    (folder / "d.xlsx").touch()
    with pytest.raises(UsageError, match=r"has files of the formats csv and excel: add --format csv"):
        named_files([str(folder)])
    assert names(named_files([str(folder)], SourceFormat.EXCEL)) == ["d.xlsx"]
    with pytest.raises(UsageError, match=r"has no data file of the format parquet"):
        named_files([str(folder)], SourceFormat.PARQUET)


def test_a_pattern_stands_for_the_files_it_matches_by_name(folder: Path) -> None:
    assert names(named_files([str(folder / "?.csv")])) == ["a.csv", "b.csv"]


def test_a_relative_pattern_is_matched_in_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert names(named_files(["[ab].csv"])) == ["a.csv", "b.csv"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder: Path) -> None:
    assert names(named_files([str(folder / "odd[1].csv")])) == ["odd[1].csv"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("missing.csv", "there is no file missing.csv"),
        ("*.parquet", "no file matches *.parquet"),
        ("inner.csv", "the folder inner.csv has no data file"),
    ],
)
def test_an_argument_that_names_nothing_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, argument: str, message: str
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(UsageError, match="^" + message.replace("*", r"\*") + "$"):
        named_files([argument])


def job_files(workflow: Workflow, pattern: str) -> Workflow:
    job = workflow.jobs[0]
    config = job.source_config.model_copy(
        update={"file_config": job.source_config.file_config.model_copy(update={"file_pattern": pattern})}
    )
    return workflow.model_copy(update={"jobs": (job.model_copy(update={"source_config": config}),)})


def test_a_jobs_pattern_picks_its_files_by_name(shop: Workflow, folder: Path) -> None:
    assert names(matching_files(job_files(shop, "[ab].csv"), folder)["job_a"]) == ["a.csv", "b.csv"]


def test_a_job_whose_pattern_matches_nothing_is_refused(shop: Workflow, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"matches 'z\*', the filePattern of job 'Apples'"):
        matching_files(job_files(shop, "z*"), folder)


def test_a_data_folder_that_is_not_there_is_refused(shop: Workflow, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--data: there is no folder"):
        matching_files(shop, tmp_path / "nowhere")


def test_files_land_in_their_order_under_the_jobs_prefix(shop: Workflow) -> None:
    assert list(landing_keys(shop, {"job_a": [Path("z.csv"), Path("x/a.csv")]})["job_a"].items()) == [
        ("landing/wf_shop/job_a/z.csv", Path("z.csv")),
        ("landing/wf_shop/job_a/a.csv", Path("x/a.csv")),
    ]


def test_two_files_of_one_name_are_refused_rather_than_overwritten(shop: Workflow) -> None:
    with pytest.raises(UsageError, match=r"x/a\.csv and y/a\.csv would both land as"):
        landing_keys(shop, {"job_a": [Path("x/a.csv"), Path("y/a.csv")]})


def test_a_job_that_reads_tables_has_no_files(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("id\n")
    gold = {"sql": "SELECT * FROM orders", "tables": {"orders": "shop/orders"}}
    sales = {"id": "job_b", "name": "Sales", "type": "gold-analytics", "order": 2, "destinationConfig": {"goldConfig": gold}}
    definition = {"id": "wf_shop", "name": "Shop", "jobs": [{"id": "job_a", "name": "Orders"}, sales]}
    assert list(matching_files(read_workflow(definition, origin="test"), tmp_path)) == ["job_a"]
