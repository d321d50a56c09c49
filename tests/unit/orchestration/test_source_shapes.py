"""The plan estimates rows, columns and text of every format from a file's head or footer."""

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from csv_files import zipped
from flowforge.lake.lake import Lake
from flowforge.model.job import Job
from flowforge.model.plan import SourceFile
from flowforge.model.source import SourceConfig
from flowforge.model.source_format import SourceFormat
from flowforge.model.step import Step
from flowforge.model.tier import Tier
from flowforge.orchestration.source_shapes import SeenShape, seen_shape
from flowforge.orchestration.tiers import choose_tiers
from workbooks import sheet_of


def shape_of(lake: Lake, name: str, content: bytes) -> SeenShape:
    lake.client.put_object(Bucket=lake.bucket, Key=name, Body=content)
    version = lake.head(name)
    assert version is not None
    return seen_shape(lake, version, name, SourceConfig())


def parquet(table: pa.Table, **options: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("columns", [3, 3_000])
def test_the_footer_of_a_parquet_file_tells_its_rows(lake: Lake, columns: int) -> None:
    content = parquet(pa.table({f"c{number}": [1] * 40 for number in range(columns)}))
    seen = shape_of(lake, "a.parquet", content)
    assert (seen.format, seen.columns) == (SourceFormat.PARQUET, columns)
    assert round(seen.text_bytes / seen.row_bytes) == 40
    assert seen.text_bytes > len(content)


def test_a_damaged_parquet_file_is_left_to_bronze(lake: Lake) -> None:
    assert shape_of(lake, "a.parquet", b"PAR1 and no more").format is SourceFormat.PARQUET


RECORDS = [{"id": number, "name": "x" * 80} for number in range(3_000)]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(map(json.dumps, RECORDS)),
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        json.dumps({"page": 1, "data": RECORDS}),
    ],
)
def test_the_first_records_of_a_json_file_tell_their_width(lake: Lake, text: str) -> None:
    seen = shape_of(lake, "a.json", text.encode())
    assert (seen.format, seen.columns, seen.text_bytes) == (SourceFormat.JSON, 2, len(text))
    assert len(text) / seen.row_bytes == pytest.approx(3_000, rel=0.1)


@pytest.mark.parametrize("text", ["", "[", "oops", '{"a": ' + "[" * 70_000])
def test_a_json_file_without_a_whole_record_in_its_head_has_a_common_width(lake: Lake, text: str) -> None:
    assert shape_of(lake, "a.json", text.encode()).columns == 1


def test_a_workbook_counts_by_what_it_unpacks_to(lake: Lake) -> None:
    content = sheet_of(["id"], [1])
    seen = shape_of(lake, "a.xlsx", content)
    assert (seen.format, seen.text_bytes) == (SourceFormat.EXCEL, 7 * len(content))


def test_what_is_compressed_counts_as_what_it_unpacks_to_and_takes_scratch_space_where_it_is_copied(lake: Lake) -> None:
    lines = "\n".join(map(json.dumps, RECORDS)).encode()
    seen = shape_of(lake, "a.jsonl.gz", gzip.compress(lines))
    assert (seen.format, seen.columns, seen.scratch_bytes) == (SourceFormat.JSON, 2, 0)
    assert seen.text_bytes == pytest.approx(len(lines), rel=0.1)
    assert len(lines) / seen.row_bytes == pytest.approx(3_000, rel=0.1)
    archive = zipped({"a.jsonl": lines})
    assert shape_of(lake, "a.zip", archive).scratch_bytes == len(archive)
    table = parquet(pa.table({"id": [1] * 40}))
    seen = shape_of(lake, "a.parquet.gz", gzip.compress(table))
    assert seen.format is SourceFormat.PARQUET
    assert seen.scratch_bytes == pytest.approx(len(table), rel=0.1)


def bronze_tier(kind: SourceFormat, size_bytes: float) -> Tier:
    source = SourceFile(key="k", name="k", etag="e", size_bytes=int(size_bytes), format=kind)
    return choose_tiers(Job.model_validate({"id": "job_a", "name": "A"}), [source]).chosen()[Step.BRONZE_INGEST].tier


def test_a_workbook_leaves_lambda_for_want_of_memory_and_json_for_want_of_time() -> None:
    assert bronze_tier(SourceFormat.EXCEL, 20e6) is Tier.LAMBDA
    assert bronze_tier(SourceFormat.EXCEL, 60e6) is Tier.FARGATE
    assert bronze_tier(SourceFormat.JSON, 2e9) is Tier.LAMBDA
    assert bronze_tier(SourceFormat.JSON, 8e9) is Tier.FARGATE
    assert bronze_tier(SourceFormat.PARQUET, 8e9) is Tier.LAMBDA
