"""bronze_ingest on text that is compressed, of another encoding, or malformed in places."""

import gzip
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from csv_files import zipped
from flowforge.medallion import scratch_file
from flowforge.model.errors import DataFault, NextTier
from flowforge.model.step import BronzeCounts, StepResult
from flowforge.steps.scratch import scratch_folder
from lab import Lab

QUARANTINE = {"onMalformedRow": "quarantine"}


def reading(lab: Lab, **options: Any) -> Lab:
    lab.job["sourceConfig"] = {"fileConfig": options}
    return lab


def bronze_rows(lab: Lab, result: StepResult) -> list[list[tuple[object, ...]]]:
    return [
        lab.frame(output.key).select("id", "name", "_source_file", "_row_number").rows() for output in result.outputs_of("bronze")
    ]


def test_malformed_records_go_to_quarantine_and_the_rest_goes_on(lab: Lab) -> None:
    body = 'id,name\n1,x\n2\n3,"y\n4,z\n5,a,b\n6,"two\nlines"\n'
    result = reading(lab, **QUARANTINE).ingest(body).bronze()
    assert result.counts == BronzeCounts(read=6, written=3, malformed=3)
    assert bronze_rows(lab, result) == [
        [("1", "x", "orders.csv", 1), ("4", "z", "orders.csv", 4), ("6", "two\nlines", "orders.csv", 6)]
    ]
    (quarantine,) = result.outputs_of("quarantine")
    assert quarantine.key == f"quarantine/shop/orders/malformed/20261123/shop_orders_{result.run_id}.parquet"
    rows = lab.frame(quarantine.key)
    assert rows.columns == ["_line", "_reason", "_raw_text", "_ingested_at", "_source_file", "_row_number", "_run_id"]
    assert rows.select("_row_number", "_line", "_raw_text", "_reason", "_source_file", "_run_id").rows() == [
        (2, 3, "2", "has 1 fields, the header has 2", "orders.csv", result.run_id),
        (3, 4, '3,"y', "cannot be read: text follows a closing quote; check its quotes", "orders.csv", result.run_id),
        (5, 6, "5,a,b", "has 3 fields, the header has 2", "orders.csv", result.run_id),
    ]
    assert result.notes == ("orders.csv: 3 of 6 records are malformed and went to quarantine",)


def test_the_malformed_records_of_all_files_lie_together_and_silver_reads_the_others(lab: Lab) -> None:
    keys = [lab.land(f"{name}.csv", f"id,name\n{name},x\n{name}\n") for name in "ab"]
    run = reading(lab, **QUARANTINE).plan(*keys)
    result = run.bronze()
    assert lab.frame(result.outputs_of("quarantine")[0].key).select("_source_file", "_raw_text").rows() == [
        ("a.csv", "a"),
        ("b.csv", "b"),
    ]
    assert run.silver().counts.read == 2


def test_more_malformed_records_than_the_job_allows_fail_the_run(lab: Lab) -> None:
    body = "id,name\n1\n2,x\n3\n"
    assert reading(lab, **QUARANTINE, maxMalformedRows=2).ingest(body).bronze().counts == BronzeCounts(
        read=3, written=1, malformed=2
    )
    with pytest.raises(DataFault, match=r"row 3 \(line 4\) has 1 fields.*; more than 1 records are malformed"):
        reading(lab, **QUARANTINE, maxMalformedRows=1).ingest(body).bronze()


def test_a_record_that_only_the_engine_refuses_goes_to_quarantine_too(lab: Lab) -> None:
    # As many delimiters as two whole rows have, so counting them finds nothing.
    result = reading(lab, **QUARANTINE).ingest("a,b,c\n1,2\n3,4,5,6\n7,8,9\n").bronze()
    assert result.counts == BronzeCounts(read=3, written=1, malformed=2)
    assert lab.frame(result.outputs[0].key).select("a", "_row_number").rows() == [("7", 3)]


def test_a_compressed_file_of_another_encoding_is_read_by_its_content(lab: Lab) -> None:
    key = lab.land("orders.csv", gzip.compress("id;name\n1;größe\n".encode("utf-16")))
    result = lab.plan(key).bronze()
    assert bronze_rows(lab, result) == [[("1", "größe", "orders.csv", 1)]]
    told = "orders.csv: read with encoding utf-16-le, delimiter ';', gzip compression, as its content shows"
    assert result.notes == (told,)


def test_an_archive_becomes_an_object_for_each_of_its_files_by_name(lab: Lab) -> None:
    archive = zipped({"b.csv": b"name,id\ny,2\n", "a.csv": b"id,name\n1,x\n", "__MACOSX/._a.csv": b"\0"})
    after = lab.land("z.csv", "id,name\n3,z\n")
    result = lab.plan(lab.land("orders.zip", archive), after).bronze()
    assert bronze_rows(lab, result) == [
        [("1", "x", "orders.zip/a.csv", 1)],
        [("2", "y", "orders.zip/b.csv", 1)],
        [("3", "z", "z.csv", 1)],
    ]
    assert [output.key[-13:] for output in result.outputs] == ["_v001.parquet", "_v002.parquet", "_v003.parquet"]


def test_a_file_in_an_archive_that_cannot_be_read_is_named(lab: Lab) -> None:
    key = lab.land("orders.zip", zipped({"b.csv": b"id\n1\n", "a.csv": b"id\n1,2\n"}))
    with pytest.raises(DataFault, match=r"^orders.zip/a.csv: row 1 "):
        lab.plan(key).bronze()
    assert lab.keys_below("bronze/") == []


def test_a_disk_without_room_for_a_copy_moves_the_step(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    run = lab.plan(lab.land("orders.csv.gz", gzip.compress(b"id,name\n1,x\n")))
    monkeypatch.setattr(scratch_file, "RESERVE_BYTES", 1 << 60)
    with pytest.raises(NextTier, match="no room for an unpacked or rewritten copy"):
        run.bronze()


def test_scratch_folder_is_empty_at_the_start_and_gone_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch_folder() as of_another_step, scratch_folder() as folder:
        (root,) = tmp_path.iterdir()
        killed = root / "killed"
        shutil.copytree(folder, killed)
        (killed / "copy.csv").write_text("left behind")
        with scratch_folder():
            assert not killed.exists()
            assert of_another_step.exists()
            assert folder.exists()
    assert [path.name for path in root.iterdir()] == ["lock"]
