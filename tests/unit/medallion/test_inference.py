"""Types of whole columns, and the notes about them."""

import csv
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion import inference
from flowforge.medallion.inference import Inference, infer_types
from flowforge.model.contract import DataType


def inferred(*texts: str | None) -> Inference:
    frame = pl.LazyFrame(
        {"c": list(texts), "_row_number": range(1, len(texts) + 1)}, schema={"c": pl.String, "_row_number": pl.Int64}
    )
    return infer_types(frame, ["c"])


def type_of(*texts: str | None) -> str:
    answer = inferred(*texts)
    assert answer.notes == []
    return described(answer.types["c"])


def described(data_type: DataType) -> str:
    return f"{data_type} {data_type.format}" if data_type.format else str(data_type)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "-2", "30"], "integer"),
        (["1", None, "", " "], "integer"),
        (["0", "-0"], "integer"),
        (["007", "8"], "text"),
        (["+4917012345", "+4930123456"], "text"),
        (["1234567890123456789"], "text"),
        (["123456789012345678"], "integer"),
        (["1", "2.5"], "float"),
        (["1e5", "2"], "float"),
        (["00.5", "1"], "text"),
        (["1,234"], "text"),
        (["true", "FALSE"], "boolean"),
        (["true", "1"], "text"),
        (["2026-01-31"], "date %Y-%m-%d"),
        (["2026-02-30", "x"], "text"),
        (["31/01/2026", "01/02/2026"], "date %d/%m/%Y"),
        (["01/31/2026", "01/02/2026"], "date %m/%d/%Y"),
        (["31.01.2026"], "date %d.%m.%Y"),
        (["20260131"], "integer"),
        (["2026-01-31T10:00:00Z"], "timestamp %Y-%m-%dT%H:%M:%S%.f%#z"),
        (["2026-01-31 10:00:00"], "timestamp %Y-%m-%d %H:%M:%S%.f"),
        (["2026-01-31 10:00:00.25", "2026-01-31 10:00:00"], "timestamp %Y-%m-%d %H:%M:%S%.f"),
        (["2026-01-31 10:00"], "timestamp %Y-%m-%d %H:%M"),
        (["2026-01-31 10:00:00", "2026-01-31T10:00:00", "2026-01-31"], "timestamp"),
        (["2026-01-31 10:00+02:00", "2026-01-31T10:00:00Z"], "timestamptz"),
        (["2026-01-31 10:00+02:00", "2026-01-31T10:00:00"], "text"),
        (["31/01/2026 10:00", "01/02/2026 11:30"], "timestamp %d/%m/%Y %H:%M"),
        (["01/31/2026 10:00:00 PM", "01/02/2026"], "timestamp %m/%d/%Y %I:%M:%S %p"),
        (["31-Jan-2026", "1-feb-2026"], "date %d-%b-%Y"),
        (["2026/01/31"], "date %Y/%m/%d"),
        (["31/01/26"], "text"),
        (["2026-01-31 10:00:00.1234567"], "text"),
        (["0.1234567890123456789", "1"], "decimal(38,19)"),
        (["12345678901234567.891", "-1.5"], "decimal(38,3)"),
        (["0.30000000000000004", "1e-7"], "float"),
        (["10:00"], "text"),
        (["a"], "text"),
        (["nan", "1.5"], "text"),
        ([None, "", " "], "undetermined"),
    ],
)
def test_a_type_is_given_where_every_value_fits(texts: list[str | None], expected: str) -> None:
    assert type_of(*texts) == expected


@pytest.mark.parametrize("texts", [["01/02/2026", "11/12/2026"], ["01-02-2026"], ["01/02/2026 10:00"]])
def test_dates_that_can_be_read_both_ways_stay_text_and_are_reported(texts: list[str]) -> None:
    answer = inferred(*texts)
    assert str(answer.types["c"]) == "text"
    assert len(answer.notes) == 1
    assert answer.notes[0].startswith(("c: its dates can be read as %d", "c: its timestamps can be read as %d"))
    assert "state dataType and format in columnMappings" in answer.notes[0]


def test_a_column_that_nearly_fits_stays_text_and_names_the_first_odd_row() -> None:
    texts = [str(number) for number in range(100)]
    texts[41] = "4l"
    texts[77] = "x"
    answer = inferred(*texts)
    assert str(answer.types["c"]) == "text"
    assert "c: 2 of 100 values are no integer (row 42: '4l')" in answer.notes[0]


def test_a_column_that_is_far_from_fitting_stays_text_in_silence() -> None:
    assert type_of(*[str(number) for number in range(90)], *["x"] * 10) == "text"


def test_one_late_odd_value_decides_the_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "SAMPLE_ROWS", 10)
    assert str(inferred(*["1"] * 5000, "1.5").types["c"]) == "float"
    assert str(inferred(*["1"] * 5000, "x").types["c"]) == "text"


def test_blanks_in_the_sample_do_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "SAMPLE_ROWS", 10)
    assert type_of(*[None] * 50, "5", "6") == "integer"


def test_an_odd_value_is_shown_by_its_beginning() -> None:
    answer = inferred(*["1"] * 99, "x" * 5000)
    assert len(answer.notes[0]) < 250


def test_no_column_needs_no_look() -> None:
    assert infer_types(pl.LazyFrame({"c": ["1"]}), []) == Inference({}, [])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.one_of(st.none(), st.sampled_from(["", "1", "-5", "2.5", "1e3", "2026-01-31", "2026-02-30", "true", "x", "99"])),
        min_size=1,
        max_size=6,
    )
)
def test_every_value_of_a_typed_column_is_one_for_duckdb_too(texts: list[str | None]) -> None:
    name = {"integer": "BIGINT", "float": "DOUBLE", "date": "DATE", "boolean": "BOOLEAN", "text": "VARCHAR"}
    chosen = str(inferred(*texts).types["c"])
    present = [text for text in texts if text and text.strip()]
    if not present:
        assert chosen == "undetermined"
        return
    counted = duckdb.execute(
        f"SELECT count(try_cast(t AS {name[chosen]})) FROM (SELECT unnest(?) AS t)",
        [present],
    ).fetchone()
    assert counted == (len(present),)


def test_a_wide_file_is_inferred_column_by_column(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"c{number}" for number in range(300)])
        writer.writerows([[(number % 3 and str(row)) or f"x{row}" for number in range(300)] for row in range(5)])
    frame = pl.scan_csv(path, infer_schema=False).with_row_index("_row_number")
    types = infer_types(frame, [f"c{number}" for number in range(300)]).types
    assert [str(types[f"c{number}"]) for number in range(6)] == ["text", "integer", "integer"] * 2
