"""The first step takes files of every format, alone and together, and says what it did with them."""

import gzip
import io
import json
import sys
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from csv_files import zipped
from flowforge.model.errors import ConfigFault, DataFault, NextTier
from flowforge.model.step import BronzeCounts, StepResult
from lab import Lab
from s3_faults import just_before
from workbooks import sheet_of, workbook

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def source(lab: Lab, *, evolution: str = "strict", kind: str = "auto", **options: Any) -> None:
    lab.job = {
        "sourceConfig": {"type": kind, "fileConfig": options},
        "destinationConfig": {"bronzeConfig": {"schemaEvolution": evolution}, "silverConfig": lab.silver, "goldConfig": lab.gold},
    }


def rows_of(lab: Lab, result: StepResult) -> list[tuple[Any, ...]]:
    """The rows of all objects that Silver will read, by the columns of the first."""
    frames = [lab.frame(output.key) for output in result.outputs]
    audit = ["_ingested_at", "_run_id"]
    assert all(frame.columns[-4:] == ["_ingested_at", "_source_file", "_row_number", "_run_id"] for frame in frames)
    return [row for frame in frames for row in frame.select(frames[0].columns).drop(audit).rows()]


ORDERS = pa.table({"id": [1, 2], "name": ["x", None]})
FILES = {
    "orders.json": json.dumps([{"id": 1, "name": "x"}, {"id": 2, "name": None}]).encode(),
    "orders.jsonl": b'{"id": 1, "name": "x"}\n{"id": 2}\n',
    "orders.xlsx": sheet_of(["id", "name"], [1, "x"], [2]),
    "orders.parquet": parquet(ORDERS),
    "orders.dat": parquet(ORDERS),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_any_format_becomes_typed_bronze(lab: Lab, name: str) -> None:
    result = lab.plan(lab.land(name, FILES[name])).bronze()
    assert result.counts == BronzeCounts(read=2, written=2)
    assert rows_of(lab, result) == [(1, "x", name, 1), (2, None, name, 2)]
    assert lab.frame(result.outputs[0].key).schema["id"] == pl.Int64


def test_files_of_several_formats_in_one_run_come_to_common_columns(lab: Lab) -> None:
    files = [lab.land(name, FILES[name]) for name in ("orders.json", "orders.xlsx", "orders.parquet")]
    result = lab.plan(*files, lab.land("orders.csv", "name,id\ny,007\n")).bronze()
    assert rows_of(lab, result)[-1] == ("007", "y", "orders.csv", 1)
    assert rows_of(lab, result)[0] == ("1", "x", "orders.json", 1)
    assert "id is String in orders.csv and Int64 in the files before; it is String in all of them" in result.notes


def test_whole_numbers_and_numbers_with_a_point_become_floats_where_that_loses_nothing(lab: Lab) -> None:
    first = lab.land("a.json", '[{"n": 1}]')
    result = lab.plan(first, lab.land("b.json", '[{"n": 1.5}]')).bronze()
    assert rows_of(lab, result) == [(1.0, "a.json", 1), (1.5, "b.json", 1)]
    long = lab.land("c.json", '[{"n": 9007199254740993}]')
    with pytest.raises(DataFault, match=r"c.json: row 1: 'n' is 9007199254740993 here"):
        lab.plan(long, lab.land("b.json", '[{"n": 1.5}]')).bronze()


@pytest.mark.parametrize("evolution", ["add_new_columns", "ignore_extra"])
def test_bronze_keeps_every_column_where_the_policy_lets_them_through(lab: Lab, evolution: str) -> None:
    source(lab, evolution=evolution)
    lab.silver = {"primaryKey": "id"}
    first, second = lab.land("a.csv", "id,name\n1,x\n"), lab.land("b.csv", "city,id\nBern,2\n")
    result = lab.plan(first, second).bronze()
    assert rows_of(lab, result) == [("1", "x", None, "a.csv", 1), ("2", None, "Bern", "b.csv", 1)]
    assert "a.csv lacks the column 'city' of the run's other files; it is null there" in result.notes


@pytest.mark.parametrize("evolution", ["add_new_columns", "ignore_extra"])
def test_drift_from_the_contract_is_let_through_by_policy(lab: Lab, evolution: str) -> None:
    source(lab, evolution=evolution)
    lab.ingest("id,name\n1,x\n").silver()
    result = lab.ingest("id,name,city\n2,y,Bern\n").bronze()
    assert rows_of(lab, result) == [("2", "y", "Bern", "orders.csv", 1)]


def test_a_column_that_the_job_names_must_be_in_one_of_the_files(lab: Lab) -> None:
    lab.silver = {"primaryKey": ["id"]}
    source(lab, evolution="add_new_columns")
    with pytest.raises(ConfigFault, match=r"primaryKey names the column 'id', which the run of a.csv, b.csv does not have"):
        lab.plan(lab.land("a.csv", "x\n1\n"), lab.land("b.csv", "y\n1\n")).bronze()


def test_every_sheet_is_an_object_of_its_own(lab: Lab) -> None:
    def write(book: Any) -> None:
        for month in ("January", "February"):
            book.add_worksheet(month).write_column(0, 0, ["month", month])

    source(lab, kind="excel", sheets="all")
    result = lab.plan(lab.land("sales.xlsx", workbook(write))).bronze()
    assert rows_of(lab, result) == [("January", "sales.xlsx/January", 1), ("February", "sales.xlsx/February", 1)]
    assert [output.key[-13:] for output in result.outputs] == ["_v001.parquet", "_v002.parquet"]


def test_an_option_of_another_format_than_the_files_have_is_refused(lab: Lab) -> None:
    source(lab, sheet_name="A")
    with pytest.raises(ConfigFault, match=r"fileConfig.sheetName belongs to workbooks, and no file of the run is of that format"):
        lab.ingest("id\n1\n").bronze()
    source(lab, record_path="data")
    with pytest.raises(ConfigFault, match=r"fileConfig.recordPath belongs to JSON"):
        lab.ingest("id\n1\n").bronze()


PACKED = {
    "orders.json.gz": gzip.compress(FILES["orders.json"]),
    "orders.ndjson.zst": zstd.compress(FILES["orders.jsonl"]),
    "orders.parquet.gz": gzip.compress(FILES["orders.parquet"]),
    "orders.xlsx.zst": zstd.compress(FILES["orders.xlsx"]),
    "orders.zip": zipped({"first.jsonl": FILES["orders.jsonl"]}),
    "more.zip": zipped({"orders.parquet": FILES["orders.parquet"]}),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_compressed_file_is_unpacked_and_then_told_by_its_content(lab: Lab, name: str) -> None:
    result = lab.plan(lab.land(name, PACKED[name])).bronze()
    assert result.counts == BronzeCounts(read=2, written=2)
    assert rows_of(lab, result) == [(1, "x", name, 1), (2, None, name, 2)]


def test_the_files_of_an_archive_are_of_any_format_and_come_to_common_columns(lab: Lab) -> None:
    source(lab, evolution="add_new_columns")
    members = {"a.json": b'[{"n": 1}]', "b.jsonl": b'{"n": 1.5}\n', "c.parquet": parquet(pa.table({"n": [2], "city": ["Bern"]}))}
    result = lab.plan(lab.land("all.zip", zipped(members))).bronze()
    assert rows_of(lab, result) == [
        (1.0, None, "all.zip/a.json", 1),
        (1.5, None, "all.zip/b.jsonl", 1),
        (2.0, "Bern", "all.zip/c.parquet", 1),
    ]
    assert result.counts == BronzeCounts(read=3, written=3)


def test_malformed_records_stand_in_the_order_of_their_files_whenever_they_are_found(lab: Lab) -> None:
    source(lab, onMalformedRow="quarantine")
    # The engine refuses the first one, after the second one, a copy, was converted.
    files = [lab.land("a.csv", "a,b,c\n1,2\n3,4,5,6\n"), lab.land("b.csv.gz", gzip.compress(b"a,b,c\n7\n8,9,0\n"))]
    result = lab.plan(*files).bronze()
    assert result.counts == BronzeCounts(read=4, written=1, malformed=3)
    (quarantine,) = result.outputs_of("quarantine")
    assert lab.frame(quarantine.key).select("_source_file", "_raw_text").rows() == [
        ("a.csv", "1,2"),
        ("a.csv", "3,4,5,6"),
        ("b.csv.gz", "7"),
    ]


@pytest.mark.parametrize("option", [{"delimiter": ";"}, {"onMalformedRow": "quarantine"}, {"hasHeader": False}])
def test_an_option_of_text_is_refused_where_no_file_of_the_run_is_text(lab: Lab, option: dict[str, Any]) -> None:
    source(lab, **option)
    with pytest.raises(ConfigFault, match=rf"fileConfig.{next(iter(option))} belongs to delimited text"):
        lab.plan(lab.land("orders.json", FILES["orders.json"])).bronze()


def test_a_misnamed_file_is_read_by_its_content_and_told(lab: Lab) -> None:
    result = lab.plan(lab.land("orders.csv", FILES["orders.parquet"])).bronze()
    assert "orders.csv holds parquet in spite of its name, and was read as that" in result.notes


def test_an_empty_delivery_of_json_has_no_rows_and_the_contracts_columns(lab: Lab) -> None:
    with pytest.raises(DataFault, match=r"orders.json has no records, so nothing says which columns there are"):
        lab.plan(lab.land("orders.json", "[]")).bronze()
    lab.ingest("id,name\n1,x\n").silver()
    result = lab.plan(lab.land("orders.json", "[]")).bronze()
    assert result.counts == BronzeCounts(read=0, written=0)
    assert lab.frame(result.outputs[0].key).columns[:2] == ["id", "name"]


def test_a_workbook_too_large_for_this_machine_moves_to_the_next_tier(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
    run = lab.plan(lab.land("orders.xlsx", FILES["orders.xlsx"]))
    with pytest.raises(NextTier, match=r"orders.xlsx: the workbook takes about 0 MB of memory, and 0 MB are free for it"):
        run.bronze()
    assert lab.keys_below("bronze/") == []


@pytest.mark.parametrize("name", ["orders.json", "orders.xlsx", "orders.parquet"])
@pytest.mark.parametrize("request_number", [2, 3])
def test_a_source_that_is_replaced_while_it_is_read_is_refused(lab: Lab, name: str, request_number: int) -> None:
    run = lab.plan(lab.land(name, FILES[name]))
    other = {
        "orders.json": b'[{"id": 3, "city": "y"}]',
        "orders.xlsx": sheet_of(["id", "city"], [3, "y"]),
        "orders.parquet": parquet(pa.table({"city": ["y"] * 9})),
    }[name]
    with (
        just_before(lab.lake, "HeadObject", lambda: lab.land(name, other), nth=request_number - 1),
        pytest.raises(DataFault, match=rf"{name} was replaced"),
    ):
        run.bronze()
    assert lab.keys_below("bronze/") == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("orders.parquet", FILES["orders.parquet"][:-9], "its end is missing"),
        (
            "orders.parquet",
            FILES["orders.parquet"][:4] + b"\xff" * 200 + FILES["orders.parquet"][204:],
            "damaged|could not be read",
        ),
        ("orders.json", b'[{"id": 1}, {"id": }]', "record 2"),
        ("orders.xlsx", FILES["orders.xlsx"][:-90], "damaged workbook"),
        ("orders.parquet", parquet(pa.table({"_run_id": [1]})), "starts with '_'"),
        ("orders.parquet", parquet(pa.table({"*": [1]})), "is a pattern to the engine"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_leaves_nothing(lab: Lab, name: str, content: bytes, message: str) -> None:
    good = lab.land("good.csv", "id,name\n1,x\n")
    with pytest.raises(DataFault, match=message) as caught:
        lab.plan(lab.land(name, content), good).bronze()
    assert caught.value.file == name
    assert lab.keys_below("bronze/") == []


def test_each_layer_has_the_codec_that_its_config_names(lab: Lab) -> None:
    codecs = {"bronze": "none", "silver": "snappy", "gold": "gzip"}
    lab.job = {"destinationConfig": {f"{layer}Config": {"compression": codec} for layer, codec in codecs.items()}}
    lab.ingest("id\n" + "1\n" * 50).gold()
    found = {}
    for layer in codecs:
        (key,) = [key for key in lab.keys_below(f"{layer}/") if key.endswith(".parquet")]
        stored = lab.lake.read(key)
        assert stored is not None
        found[layer] = pq.ParquetFile(io.BytesIO(stored[0])).metadata.row_group(0).column(0).compression
    assert found == {"bronze": "UNCOMPRESSED", "silver": "SNAPPY", "gold": "GZIP"}
