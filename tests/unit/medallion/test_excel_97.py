"""Workbooks of Excel 97-2003, written by xlwt, are read like newer ones, and damaged ones are refused before memory is taken."""

import datetime as dt
import io
import struct
from collections.abc import Callable
from typing import Any

import pytest
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.compound_file import CompoundFile
from flowforge.medallion.excel import SheetSource, examine_excel
from flowforge.medallion.sheet_content import reference
from flowforge.model.errors import DataFault, FlowForgeError, NextTier
from flowforge.model.source import FileConfig
from stored_files import bronze_rows, stored

FILE = "orders.xls"
NOT_AVAILABLE = 42


def written(write: Callable[[Any], None]) -> bytes:
    book, buffer = xlwt.Workbook(), io.BytesIO()
    write(book)
    book.save(buffer)
    return buffer.getvalue()


def sources_of(content: bytes, *, memory_bytes: int | None = None, **options: Any) -> list[SheetSource]:
    return examine_excel(stored(content, FILE, memory_bytes=memory_bytes), FileConfig(**options))


def orders(book: Any) -> None:
    sheet = book.add_sheet("Orders")
    dates = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for column, name in enumerate(("id", "text", "amount", "paid", "day", "error")):
        sheet.write(0, column, name)
    for row in range(1, 4):
        sheet.write(row, 0, row)
        sheet.write(row, 1, f"00{row}")
        sheet.write(row, 2, row / 8)
        sheet.write(row, 3, row == 2)
        sheet.write(row, 4, dt.date(2026, 11, row), dates)
        sheet.row(row).set_cell_error(5, NOT_AVAILABLE)
    sheet.write(9, 1, "last")
    sheet.write(12, 1, "")
    book.add_sheet("Köln").write(0, 0, "name")


ORDERS = written(orders)


def test_cells_have_their_types_and_errors_are_told() -> None:
    source, second = sources_of(ORDERS, sheets="all")
    assert bronze_rows(source).rows() == [
        *((row, f"00{row}", row / 8, row == 2, dt.date(2026, 11, row), None) for row in (1, 2, 3)),
        (None, "last", None, None, None, None),
    ]
    assert any("3 cells hold an error such as #N/A, the first F2; they are null" in note for note in source.notes)
    assert (second.name, list(second.types), second.records) == ("orders.xls/Köln", ["name"], 0)


def test_the_streams_of_a_large_file_are_followed_through_its_tables() -> None:
    def write(book: Any) -> None:
        sheet = book.add_sheet("Long")
        for row in range(3_000):
            sheet.write(row, 0, f"a text of its own, so that the file grows {row}")

    content = written(write)
    (source,) = sources_of(content, has_header=False)
    assert source.records == 3_000
    assert CompoundFile(content).stream("Nothing") is None


def test_a_workbook_that_does_not_fit_the_memory_moves_to_the_next_tier() -> None:
    with pytest.raises(NextTier, match="the workbook takes about"):
        sources_of(ORDERS, memory_bytes=len(ORDERS) * 2)


def test_names_of_cells_are_those_of_the_sheet() -> None:
    assert [reference(1, column) for column in (1, 26, 27, 702, 703, 16_384)] == ["A1", "Z1", "AA1", "ZZ1", "AAA1", "XFD1"]


DIMENSIONS, SHARED_STRINGS = 0x0200, 0x00FC


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ORDERS[:600], "damaged workbook"),
        (ORDERS[:512] + bytes(len(ORDERS) - 512), "damaged workbook|version before Excel 97"),
        (ORDERS[:48] + b"\xf0" * 4 + ORDERS[52:], "damaged workbook"),
        (ORDERS[:72] + b"\xf0\xff\x00\x00" + ORDERS[76:], "it states more sectors than it has"),
        (ORDERS.replace("Workbook".encode("utf-16-le"), "Notebook".encode("utf-16-le")), "version before Excel 97"),
    ],
)
def test_a_damaged_workbook_is_named(content: bytes, message: str) -> None:
    with pytest.raises(DataFault, match=message) as caught:
        sources_of(content)
    assert caught.value.file == FILE


@pytest.mark.parametrize("sizes", [(0xFFFFFFF0, 5, 0, 6), (0, 0xFFFFFFF0, 0, 6), (3, 2, 0, 6), (0, 5, 6, 6)])
def test_a_sheet_that_states_a_size_it_cannot_have_takes_no_memory(sizes: tuple[int, ...]) -> None:
    at = ORDERS.index(struct.pack("<HH", DIMENSIONS, 14)) + 4
    content = ORDERS[:at] + struct.pack("<IIHH", *sizes) + ORDERS[at + 12 :]
    with pytest.raises(DataFault, match="it states a sheet from row"):
        sources_of(content)


def test_more_texts_than_there_is_room_for_take_no_memory() -> None:
    at = ORDERS.index(struct.pack("<H", SHARED_STRINGS), 512) + 8
    assert ORDERS[at - 8 : at - 6] == struct.pack("<H", SHARED_STRINGS)
    with pytest.raises(DataFault, match="more texts than it has room for"):
        sources_of(ORDERS[:at] + b"\xff\xff\xff\x7f" + ORDERS[at + 4 :])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(ORDERS) - 1), st.binary(min_size=1, max_size=3))
def test_a_workbook_with_wrong_bytes_is_read_or_refused_by_name(position: int, wrong: bytes) -> None:
    try:
        for source in sources_of(ORDERS[:position] + wrong + ORDERS[position + len(wrong) :]):
            bronze_rows(source)
    except FlowForgeError as fault:
        assert fault.file == FILE  # noqa: PT017
