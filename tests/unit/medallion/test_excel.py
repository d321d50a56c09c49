"""Workbooks become rows as a person sees them in the sheet, and what cannot be seen there is told."""

import datetime as dt
import io
import struct
import zipfile
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.excel import SheetSource, examine_excel
from flowforge.model.errors import ConfigFault, DataFault, FlowForgeError, NextTier
from flowforge.model.source import FileConfig
from stored_files import bronze_rows, stored
from workbooks import MAIN, package, sheet_of, workbook

FILE = "orders.xlsx"


def sources_of(content: bytes, *, name: str = FILE, memory_bytes: int | None = None, **options: Any) -> list[SheetSource]:
    return examine_excel(stored(content, name, memory_bytes=memory_bytes), FileConfig(**options))


def rows_of(content: bytes, **options: Any) -> pl.DataFrame:
    (source,) = sources_of(content, **options)
    return bronze_rows(source)


def column_of(*cells: Any, **options: Any) -> pl.Series:
    return rows_of(sheet_of(["id", "x"], *([number, cell] for number, cell in enumerate(cells))), **options)["x"]


@pytest.mark.parametrize(
    ("cells", "kept", "expected"),
    [
        ([1, 2, None], pl.Int64(), [1, 2, None]),
        ([1, 2.5], pl.Float64(), [1.0, 2.5]),
        ([2**53, -1], pl.Int64(), [2**53, -1]),
        ([1e300, 1], pl.Float64(), [1e300, 1.0]),
        (["007", "12"], pl.String(), ["007", "12"]),
        ([True, False, None], pl.Boolean(), [True, False, None]),
        ([1, "x", 0.1], pl.String(), ["1", "x", "0.1"]),
        ([True, 1], pl.String(), ["true", "1"]),
        ([None, None], pl.String(), [None, None]),
        ([" x ", "line\nend", "a\rb", "_x0041_"], pl.String(), [" x ", "line\nend", "a\rb", "_x0041_"]),
    ],
)
def test_a_column_has_the_type_that_its_cells_have_in_common(cells: list[Any], kept: pl.DataType, expected: list[Any]) -> None:
    column = column_of(*cells)
    assert column.dtype == kept
    assert column.to_list() == expected


def test_escaped_characters_are_themselves() -> None:
    cells = "".join(f"<row><c t='str'><v>{text}</v></c></row>" for text in ("x", "a_x000D_b", "_x005F_x0041_", "_xD800_"))
    assert rows_of(package(cells))["x"].to_list() == ["a\rb", "_x0041_", "_xD800_"]


def test_a_column_that_is_filled_late_loses_nothing() -> None:
    cells: list[Any] = [None] * 3_000 + [5, "odd"]
    assert column_of(*cells).to_list() == [None] * 3_000 + ["5", "odd"]


def dated(*cells: tuple[Any, str]) -> pl.Series:
    def write(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "x"])
        for row, (value, form) in enumerate(cells, start=1):
            sheet.write_number(row, 0, row)
            sheet.write(row, 1, value, book.add_format({"num_format": form}))

    return rows_of(workbook(write))["x"]


DAY, MOMENT = dt.date(2026, 11, 23), dt.datetime(2026, 11, 23, 10, 20, 30, 123_000)  # noqa: DTZ001


def test_numbers_that_are_shown_as_dates_are_dates() -> None:
    assert dated((DAY, "yyyy-mm-dd")).to_list() == [DAY]
    assert dated((MOMENT, "yyyy-mm-dd hh:mm:ss.000"), (DAY, "dd.mm.yyyy")).to_list() == [MOMENT, dt.datetime(2026, 11, 23)]  # noqa: DTZ001
    assert dated((dt.time(1, 2, 3), "hh:mm:ss")).to_list() == [dt.time(1, 2, 3)]
    assert dated((1.5, "[h]:mm:ss"), (0.0001, "[h]:mm:ss")).to_list() == ["36:00:00", "0:00:08.64"]
    assert dated((DAY, "yyyy-mm-dd"), ("n/a", "@")).to_list() == ["2026-11-23", "n/a"]


def test_a_format_with_leading_zeros_changes_no_number() -> None:
    assert dated((7, "00000")).to_list() == [7]


def test_texts_that_mean_null_do_not_make_a_column_of_text() -> None:
    column = column_of(1, "n/a", 3, null_values=("n/a",))
    assert column.to_list() == [1, None, 3]


def test_errors_merged_cells_and_formulas_without_a_value_are_told() -> None:
    def write(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "x", "y", "z"])
        for row in (1, 2, 3):
            sheet.write_number(row, 0, row)
        sheet.write_formula(1, 1, "=NA()", None, "#N/A")
        sheet.write_formula(2, 1, "=1+1", None, 2)
        sheet.merge_range(1, 2, 2, 2, "both")
        sheet.write_formula(1, 3, '=""', None, "")

    (source,) = sources_of(workbook(write))
    assert bronze_rows(source).rows() == [(1, None, "both", None), (2, 2, None, None), (3, None, None, None)]
    notes = " ".join(source.notes)
    assert "1 cells hold an error such as #N/A, the first B2; they are null" in notes
    assert "cells are merged" in notes
    unset = package('<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row><row r="2"><c r="A2"><f>1+1</f></c></row>')
    assert "1 formulas were never calculated, the first A2" in " ".join(sources_of(unset)[0].notes)


def test_a_row_of_nothing_but_an_error_is_a_record() -> None:
    cell = '<c r="A{0}" t="{1}"><v>{2}</v></c>'
    rows = [cell.format(1, "str", "x"), cell.format(2, "e", "#REF!"), "", cell.format(4, "n", "4")]
    xml = "".join(f'<row r="{number}">{row}</row>' for number, row in enumerate(rows, start=1))
    assert rows_of(package(xml))["x"].to_list() == [None, 4]


def test_rows_and_cells_without_references_follow_one_another() -> None:
    xml = "<row><c t='str'><v>a</v></c><c t='str'><v>b</v></c></row><row><c><v>1</v></c><c><v>2.5</v></c></row>"
    assert rows_of(package(xml)).rows() == [(1, 2.5)]


def three_sheets(book: Any) -> None:
    for name in ("First", "Second"):
        book.add_worksheet(name).write_column(0, 0, ["name", name])
    book.add_worksheet("Empty")
    hidden = book.add_worksheet("Hidden")
    hidden.write_column(0, 0, ["name", "Hidden"])
    hidden.hide()
    book.add_chartsheet("Chart").set_chart(_chart(book))


def _chart(book: Any) -> Any:
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=First!$A$1:$A$2"})
    return chart


SHEETS = workbook(three_sheets)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "First"),
        ({"sheet_name": "Second"}, "Second"),
        ({"sheet_index": 1}, "Second"),
        ({"sheet_name": "Hidden"}, "Hidden"),
    ],
)
def test_a_sheet_is_chosen_by_name_or_number(options: dict[str, Any], expected: str) -> None:
    assert rows_of(SHEETS, **options)["name"].to_list() == [expected]


def test_every_visible_sheet_with_content_is_a_source() -> None:
    sources = sources_of(SHEETS, sheets="all")
    assert [source.name for source in sources] == ["orders.xlsx/First", "orders.xlsx/Second"]
    assert [bronze_rows(source)["name"][0] for source in sources] == ["First", "Second"]
    assert "the hidden sheet 'Hidden' was left out" in sources[0].notes[0]
    assert "the sheet 'Empty' is empty and was left out" in sources[0].notes[1]


def test_sheets_that_are_left_out_are_named() -> None:
    assert "the sheet 'First' was read, and not 'Second', 'Empty', 'Hidden'" in sources_of(SHEETS)[0].notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sheet_name": "Third"}, "sheetName is 'Third', which orders.xlsx does not have; it has First, Second, Empty, Hidden"),
        ({"sheet_index": 4}, "sheetIndex is 4, and orders.xlsx has 4 sheets"),
        ({"sheet_name": "Chart"}, "does not have"),
    ],
)
def test_a_sheet_that_is_not_there_is_a_fault_of_the_job(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigFault, match=message):
        sources_of(SHEETS, **options)


def test_an_empty_sheet_is_refused() -> None:
    with pytest.raises(DataFault, match="the sheet 'Empty' is empty"):
        sources_of(SHEETS, sheet_name="Empty")
    with pytest.raises(DataFault, match="every visible sheet is empty"):
        sources_of(workbook(lambda book: book.add_worksheet()), sheets="all")


def report(book: Any) -> None:
    sheet = book.add_worksheet()
    sheet.write("B2", "Report of November")
    sheet.write_row("B4", ["id", "", "name", "name"])
    sheet.write_row("B6", [1, None, "x", "y"])
    sheet.write_row("B9", [2, 7, "z", None])


def test_the_header_is_the_first_row_with_content_or_the_one_that_is_named() -> None:
    content = workbook(report)
    expected = [(1, None, "x", "y"), (2, 7, "z", None)]
    by_row = rows_of(content, header_row=4)
    assert by_row.columns == ["id", "column_2", "name", "name_2"]
    assert by_row.rows() == expected
    assert rows_of(content, skip_rows=3).rows() == expected
    assert rows_of(content).columns == ["Report of November", "column_2", "column_3", "column_4"]
    headless = rows_of(content, has_header=False, skip_rows=5)
    assert headless.columns == ["column_1", "column_2", "column_3", "column_4"]
    assert headless.rows() == expected


def test_rows_at_the_end_are_left_out_with_what_they_say_of_types() -> None:
    content = sheet_of(["id"], [1], [2], ["Total: 3"])
    rows = rows_of(content, skip_footer_rows=1)
    assert rows["id"].to_list() == [1, 2]
    assert rows.schema["id"] == pl.Int64()
    assert rows_of(content, skip_footer_rows=9).height == 0


def test_a_header_alone_is_a_source_without_records() -> None:
    rows = rows_of(sheet_of(["id", "name"]))
    assert (rows.columns, rows.height) == (["id", "name"], 0)


def test_a_workbook_that_does_not_fit_the_memory_moves_to_the_next_tier() -> None:
    content = sheet_of(["id"], *([number] for number in range(2_000)))
    with pytest.raises(NextTier, match=r"orders.xlsx: the workbook takes about 0 MB of memory"):
        sources_of(content, memory_bytes=len(content) + 1)
    assert sources_of(content, memory_bytes=10 << 20)[0].records == 2_000


def test_a_few_stray_cells_far_apart_do_not_take_the_memory_of_a_whole_sheet() -> None:
    xml = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    with pytest.raises(DataFault, match=r"has 2 cells with content in a rectangle of 17,179,869,184"):
        sources_of(package(xml))


def locked() -> bytes:
    return bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(512)


def archive(part: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(part, "")
    return buffer.getvalue()


def with_size(content: bytes, part: str, size: int) -> bytes:
    """The archive with another size of a part in its directory than it has."""
    at = content.rindex(part.encode()) - 46
    return content[: at + 24] + struct.pack("<I", size) + content[at + 28 :]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (locked(), "protected by a password"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "damaged workbook"),
        (b"PK\x03\x04 xl/workbook", "damaged workbook"),
        (archive("xl/workbook.bin"), r"is a binary workbook \(.xlsb\); save it as .xlsx"),
        (archive("word/document.xml"), "is no workbook of Excel"),
        (sheet_of(["id"], [1])[:-200], "damaged workbook"),
        (package("<row><c><v>1</v></c>"), "damaged workbook"),
        (package("", **{"xl/workbook.xml": "<oops"}), "damaged workbook"),
        (package('<row r="0"><c><v>1</v></c></row>'), "stands out of order"),
        (package('<row r="x"><c><v>1</v></c></row>'), "damaged workbook"),
        (package('<row r="1"><c r="ZZZZ1"><v>1</v></c></row>'), "outside of a sheet"),
        (
            package("", **{"xl/worksheets/sheet1.xml": f'<!DOCTYPE x [<!ENTITY a "b">]><worksheet xmlns="{MAIN}"/>'}),
            "declares a document type",
        ),
        (package("<row><c><v>1</v></c></row>" + " " * (20 << 20)), "more than 250 times what is stored"),
        (with_size(package("<row><c><v>1</v></c></row>" * 9), "xl/worksheets/sheet1.xml", 40), "damaged workbook"),
    ],
)
def test_a_workbook_that_cannot_be_read_is_named(content: bytes, message: str) -> None:
    with pytest.raises(DataFault, match=message) as caught:
        sources_of(content)
    assert caught.value.file == FILE


CELLS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    # XlsxWriter writes 16 digits.
    | st.floats(-1e300, 1e300).map(lambda number: float(f"{number:.15g}"))
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"]), min_size=1, max_size=5)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=6))
def test_what_was_written_is_in_bronze(rows: list[list[Any]]) -> None:
    def write(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["row", "a", "b", "c"])
        for number, row in enumerate(rows, start=1):
            sheet.write_number(number, 0, number)
            for column, value in enumerate(row, start=1):
                (sheet.write_string if isinstance(value, str) else sheet.write)(number, column, value)

    kept = rows_of(workbook(write)).drop("row").rows()
    assert len(kept) == len(rows)
    for cells, values in zip(kept, rows, strict=True):
        for cell, value in zip(cells, values, strict=True):
            if isinstance(cell, str) and not isinstance(value, str):
                shown = {"true": True, "false": False}
                assert (shown[cell] if isinstance(value, bool) else float(cell)) == value
            else:
                assert cell == value


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5_000), st.binary(min_size=1, max_size=3))
def test_a_workbook_with_wrong_bytes_is_read_or_refused_by_name(position: int, wrong: bytes) -> None:
    whole = sheet_of(["id", "x"], [1, "a"], [2, "b"])
    position %= len(whole)
    try:
        rows_of(whole[:position] + wrong + whole[position + len(wrong) :])
    except FlowForgeError as fault:
        assert fault.file == FILE  # noqa: PT017
