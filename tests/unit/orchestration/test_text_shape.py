"""What the plan estimates of a text from its head, held against what the whole of it is."""

import gzip
import sys
from collections.abc import Callable
from typing import Any

import pytest

from csv_files import zipped
from flowforge.model.source import FileConfig
from flowforge.model.source_format import HEAD_BYTES
from flowforge.orchestration.text_shape import text_shape
from flowforge.orchestration.tiers import shape_of
from flowforge.orchestration.unpacked_head import unpacked_head
from flowforge.steps.run_step import read_plan
from lab import Lab

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ROWS = 100_000
TEXT = "id,name,amount\n" + "".join(f"{number},größe {number % 977},{number * 31 % 10_007}\n" for number in range(ROWS))
SIZE = len(TEXT.encode())


def shape(data: bytes, **options: Any) -> tuple[int, int, float, int]:
    found = text_shape(unpacked_head(data[:HEAD_BYTES], "orders.csv"), len(data), FileConfig(**options))
    return found.text_bytes, found.scratch_bytes, found.row_bytes, found.columns


@pytest.mark.parametrize(
    ("stored", "copies"),
    [
        (lambda: TEXT.encode(), 0),
        (lambda: TEXT.encode("utf-16"), 1),
        (lambda: gzip.compress(TEXT.encode(), mtime=0), 1),
        (lambda: zstd.compress(TEXT.encode()), 1),
        (lambda: zipped({"orders.csv": TEXT.encode()}), 1),
        (lambda: gzip.compress(TEXT.encode("utf-16"), mtime=0), 1),
    ],
    ids=["plain", "utf-16", "gzip", "zstd", "zip", "gzip of utf-16"],
)
def test_the_estimate_is_near_what_the_text_is(stored: Callable[[], bytes], copies: int) -> None:
    text_bytes, scratch_bytes, row_bytes, columns = shape(stored())
    assert text_bytes == pytest.approx(SIZE, rel=0.25)
    assert scratch_bytes == pytest.approx(copies * SIZE, rel=0.35)
    assert row_bytes == pytest.approx(SIZE / ROWS, rel=0.2)
    assert columns == 3


@pytest.mark.parametrize(
    "options", [{"comment_prefix": "#"}, {"skip_footer_rows": 1}, {"escape_character": "\\"}, {"delimiter": "::"}]
)
def test_options_that_have_the_file_written_anew_take_scratch_space(options: dict[str, Any]) -> None:
    assert shape(TEXT.encode(), **options)[1] == SIZE


@pytest.mark.parametrize(
    "data", [b"", gzip.compress(b"", mtime=0), b"\x1f\x8b\x08damaged", b"PK\x05\x06" + bytes(18), b"\x28\xb5\x2f\xfd"]
)
def test_a_head_without_text_gives_an_estimate_all_the_same(data: bytes) -> None:
    text_bytes, _, row_bytes, columns = shape(data)
    assert (text_bytes >= 0, row_bytes > 0, columns) == (True, True, 1)


def test_rows_are_counted_in_the_unpacked_text_and_the_largest_copy_decides(lab: Lab) -> None:
    keys = [lab.land("a.csv.gz", gzip.compress(TEXT.encode(), mtime=0)), lab.land("b.csv", TEXT)]
    sources = read_plan(lab.lake, lab.plan(*keys).plan_key).jobs[0].sources
    found = shape_of(sources)
    assert found.rows == pytest.approx(2 * ROWS, rel=0.3)
    assert found.scratch_bytes == pytest.approx(SIZE, rel=0.35)
