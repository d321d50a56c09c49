"""The benchmark's lake in a folder lets the steps do what they do on S3."""

from pathlib import Path

import pytest

from bench.folder_lake import FolderLake
from flowforge.model.errors import DataFault
from flowforge.model.step import Step
from lab import Lab

FIRST = "order_id,amount\n1,10\n2,20\n2,25\n"
SECOND = "order_id,amount\n2,30\n3,40\n"


@pytest.fixture
def lake(tmp_path: Path) -> FolderLake:
    return FolderLake(tmp_path / "lake")


def test_two_merges_leave_the_latest_row_of_each_key(lake: FolderLake) -> None:
    lab = Lab(lake, silver={"primaryKey": "order_id", "mergeStrategy": "merge"})
    lab.ingest(FIRST).silver()
    gold = lab.ingest(SECOND, name="more.csv").gold()
    assert sorted(lab.silver_table().select("order_id", "amount").rows()) == [(1, 10), (2, 30), (3, 40)]
    assert gold.counts.model_dump() == {"read": 3, "written": 3, "represented": 3}
    assert [key for key in lab.keys_below("silver/") if "/archive/" in key]
    assert lab.keys_below("_attempts/") == []


def test_a_step_that_has_finished_answers_with_its_stored_result(lake: FolderLake) -> None:
    run = Lab(lake).ingest(FIRST)
    assert run.bronze() == run.step(Step.BRONZE_INGEST)


def test_a_replaced_file_is_noticed(lake: FolderLake) -> None:
    lab = Lab(lake)
    run = lab.ingest(FIRST)
    lab.land("orders.csv", SECOND)
    with pytest.raises(DataFault, match="replaced in landing"):
        run.bronze()


def test_conditions_hold_as_on_s3(lake: FolderLake) -> None:
    etag = lake.write("a.json", "1")
    assert etag is not None
    assert lake.write("a.json", "2") is None

    assert lake.write("a.json", "2", replaces=etag) is not None
    assert lake.write("a.json", "3", replaces=etag) is None
