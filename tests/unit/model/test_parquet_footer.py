"""The footer tells rows and columns without the engine; pyarrow says what they are."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.model.errors import DataFault
from flowforge.model.parquet_footer import TAIL_BYTES, ParquetShape, footer_bytes, read_footer


def footer_of(table: pa.Table, **options: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    content = buffer.getvalue()
    length = footer_bytes(content[-TAIL_BYTES:], file="a.parquet", size_bytes=len(content))
    return content[-TAIL_BYTES - length : -TAIL_BYTES]


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 8_191, 8_192, 100_000])
def test_rows_and_columns_are_what_the_writer_wrote(rows: int) -> None:
    nested = pa.array([{"x": [1], "y": "a"}] * rows, pa.struct([("x", pa.list_(pa.int64())), ("y", pa.string())]))
    table = pa.table({"a": pa.array(range(rows), pa.int64()), "b": nested})
    assert read_footer(footer_of(table, row_group_size=50_000), file="a.parquet") == ParquetShape(rows, 2)


def test_a_thousand_columns_are_counted() -> None:
    table = pa.table({f"c{number}": pa.array([None], pa.decimal128(10, 2)) for number in range(1_000)})
    assert read_footer(footer_of(table), file="a.parquet") == ParquetShape(1, 1_000)


FOOTER = footer_of(pa.table({"a": [1]}))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(FOOTER)), st.binary(max_size=6))
def test_a_damaged_footer_is_refused_or_read_and_never_loops(cut: int, wrong: bytes) -> None:
    try:
        assert read_footer(FOOTER[:cut] + wrong, file="a.parquet").rows >= 0
    except DataFault as fault:
        assert fault.file == "a.parquet"  # noqa: PT017
