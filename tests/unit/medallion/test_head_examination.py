"""What the start of a file shows: the same as the whole file would, as far as it goes."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from flowforge.medallion.head_examination import Examined, FileHead, examine_head
from flowforge.medallion.key_candidates import key_candidates
from flowforge.model.errors import DataFault
from flowforge.model.source import FileConfig
from flowforge.model.source_format import SourceFormat

ROWS = [
    [number, f"Name {number}, with a comma\nand a second line", f"2026-01-{number % 28 + 1:02}", ""] for number in range(1, 60)
]


def text_of(rows: list[list[Any]], **dialect: Any) -> str:
    written = io.StringIO()
    csv.writer(written, **dialect).writerows([["order_id", "remark", "day", "empty"], *rows])
    return written.getvalue()


def examined(content: bytes, folder: Path, *, name: str = "orders.csv", is_whole: bool = False, **options: Any) -> Examined:
    kind = SourceFormat.CSV if name.endswith("csv") else SourceFormat.JSON
    folder.mkdir()
    return examine_head(FileHead(name, name, content, is_whole), kind, FileConfig(**options), folder)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_text_cut_off_anywhere_shows_only_its_whole_records(tmp_path: Path, encoding: str) -> None:
    start = text_of(ROWS).encode(encoding)
    for number, at in enumerate((len(start) - 3, len(start) // 2, len(start) // 2 + 1, len(start) // 2 + 30)):
        found = examined(start[:at], tmp_path / str(number))
        assert (found.malformed, found.is_whole, found.columns) == (0, False, 4)
        assert found.records == found.rows.height
        assert found.rows["remark"].to_list() == [row[1] for row in ROWS[: found.records]]
        assert {name: str(told) for name, told in found.types.items()} == {
            "order_id": "integer",
            "remark": "text",
            "day": "date",
            "empty": "undetermined",
        }


def test_delimiter_and_encoding_are_detected(tmp_path: Path) -> None:
    content = text_of([[1, "Müller", "2026-01-01", "x"]], delimiter=";").encode("cp1252")
    found = examined(content, tmp_path / "a", is_whole=True)
    assert (found.delimiter, found.encoding, found.records) == (";", "cp1252", 1)
    assert found.rows["remark"].to_list() == ["Müller"]


def test_malformed_rows_are_counted_and_the_rest_is_shown(tmp_path: Path) -> None:
    found = examined(b"a,b\n1,2\n3\n4,5\n6,7,8\n", tmp_path / "a", is_whole=True)
    assert (found.records, found.malformed, found.rows.rows()) == (4, 2, [("1", "2"), ("4", "5")])


def test_options_of_the_job_are_followed(tmp_path: Path) -> None:
    found = examined(b"made by x\n1|2\n3|4\ntotal\n", tmp_path / "a", delimiter="|", has_header=False, skip_rows=1)
    assert found.rows.rows() == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", "\n".join(json.dumps({"id": number, "name": "é" * number}) for number in range(40))),
        ("a.json", json.dumps([{"id": number, "name": "é" * number} for number in range(40)], ensure_ascii=False, indent=1)),
        ("a.json", json.dumps({"items": [{"id": number, "name": "é" * number} for number in range(40)], "more": 1})),
    ],
)
def test_json_cut_off_anywhere_shows_only_its_whole_records(tmp_path: Path, name: str, text: str) -> None:
    content = text.encode()
    for number, at in enumerate(range(len(content) - 40, len(content) - 30)):
        found = examined(content[:at], tmp_path / str(number), name=name)
        assert (str(found.types["id"]), str(found.types["name"])) == ("integer", "text")
        assert found.rows["name"].to_list() == ["é" * number for number in range(found.records)]
        assert found.records in (38, 39)


def test_a_record_longer_than_the_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataFault, match="no record ends within its first"):
        examined(b'[{"text": "' + b"x" * 100, tmp_path / "a", name="a.json")


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFault, match="a PDF document"):
        examined(b"%PDF-1.7\n\x00\x01\x02", tmp_path / "a", is_whole=True)


def test_candidates_for_the_key_come_best_first(tmp_path: Path) -> None:
    rows = [
        [number, f"n{number}", f"2026-01-{number % 3 + 1:02}", "" if number == 7 else number * 0.5] for number in range(1, 31)
    ]
    found = examined(text_of(rows).encode(), tmp_path / "a", is_whole=True)
    told = [(each.column, each.score, each.confidence.value) for each in key_candidates(found.rows, found.types)]
    # 50 + 20 + 15 + 15; 50 + 20 + 10; 50 + 15, for one row of thirty is empty.
    assert told == [("order_id", 100, "high"), ("remark", 80, "medium"), ("empty", 65, "low")]
