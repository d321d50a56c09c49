"""A file's format is told by its content, else by its extension, and a contradiction is named."""

import bz2
import io
import lzma
import zipfile

import pytest

from flowforge.model.errors import DataFault
from flowforge.model.source_format import SourceFormat, misnamed, source_format


def archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return buffer.getvalue()


AUTO, CSV, JSON, EXCEL, PARQUET = SourceFormat
WORKBOOK = archive("[Content_Types].xml", "xl/workbook.xml")
OLD_WORKBOOK = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.csv", b"id,name\n1,x\n", CSV),
        ("A.CSV", b"", CSV),
        ("a.tsv", b"id\tname\n", CSV),
        ("a.txt", b"id\n", CSV),
        ("a.json", b"[]", JSON),
        ("a.json", b"oops", JSON),
        ("a.jsonl", b'{"a":1}\n', JSON),
        ("a.ndjson", b"", JSON),
        ("a.csv", b'[{"a": 1}]', JSON),
        ("a.dat", b' \n{ "a": 1}', JSON),
        ("a.csv", b"[a],{b}\n", CSV),
        ("a.csv", b"{id},x\n", CSV),
        ("a.xlsx", WORKBOOK, EXCEL),
        ("a.csv", WORKBOOK, EXCEL),
        ("a.xls", OLD_WORKBOOK, EXCEL),
        ("a", b"PAR1\x15\x04", PARQUET),
        ("a.json", b"PAR1\x15\x04", PARQUET),
        ("a.json.GZ", b"[]", JSON),
        ("a.txt.zst", b"id\n", CSV),
        ("BZh.csv", b"BZh,id\n", CSV),
    ],
)
def test_content_tells_the_format_and_the_extension_where_it_does_not(name: str, head: bytes, expected: SourceFormat) -> None:
    assert source_format(name, head, AUTO) is expected


@pytest.mark.parametrize(
    ("name", "head", "declared", "message"),
    [
        ("a.csv", b"PAR1", CSV, "a.csv holds parquet, and the job's sourceConfig.type is 'csv'"),
        ("a.csv", b'{"a":1}', CSV, "a.csv holds json, and"),
        ("a.xlsx", b"id,name", AUTO, "a.xlsx is no workbook of Excel"),
        ("a.xls", b"<html>", AUTO, "a.xls is no workbook of Excel"),
        ("a.parquet", b"id,name", AUTO, "a.parquet is no Parquet file"),
        ("a.parquet", b"PARE", AUTO, "encrypted"),
        ("a.csv", b"id,name", PARQUET, "a.csv is no Parquet file"),
        ("a.pdf", b"%PDF", AUTO, "a.pdf: the format is unknown; state sourceConfig.type"),
        (
            "a.csv.bz2",
            bz2.compress(b"id\n1\n"),
            AUTO,
            "a.csv.bz2 is compressed by bzip2; deliver it plain, or as gzip, zip or zstd",
        ),
        ("a.csv", lzma.compress(b"id\n1\n"), AUTO, "a.csv is compressed by xz"),
    ],
)
def test_a_contradiction_is_named(name: str, head: bytes, declared: SourceFormat, message: str) -> None:
    with pytest.raises(DataFault, match=message) as caught:
        source_format(name, head, declared)
    assert caught.value.file == name


def test_unpacked_content_that_nothing_tells_is_text() -> None:
    assert source_format("orders.zip/notes", b"id,name\n", AUTO, content_name="notes") is CSV
    assert source_format("orders.gz", b"id,name\n", AUTO) is CSV
    with pytest.raises(DataFault, match="the format is unknown"):
        source_format("orders", b"id,name\n", AUTO)


def test_a_misleading_extension_is_told() -> None:
    assert misnamed("a.csv", PARQUET) == "a.csv holds parquet in spite of its name, and was read as that"
    assert misnamed("a.parquet", PARQUET) is None
    assert misnamed("a.dat", PARQUET) is None
