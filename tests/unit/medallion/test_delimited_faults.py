"""Files that cannot be read: each is refused with its name, the row, the line and what is wrong with it."""

from collections.abc import Iterator
from typing import Any

import pytest

from csv_files import FILE, bronze_of, cells_of, examine_stream, examined, structure_of
from flowforge.medallion import delimited_header, delimited_records
from flowforge.model.errors import DataFault

GOOD = b"id,name\n" + b"".join(b"%d,x\n" % number for number in range(1, 1001))


def fault_of(data: bytes, **options: Any) -> DataFault:
    with pytest.raises(DataFault) as caught:
        bronze_of(data, **options)
    assert str(caught.value).startswith(FILE)
    assert caught.value.file == FILE
    return caught.value


@pytest.mark.parametrize("data", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n\n", b" \n"])
def test_an_empty_file_is_an_error(data: bytes) -> None:
    assert "is empty: it has no header and no rows" in str(fault_of(data))


def test_a_short_row_is_named_by_its_number_and_line() -> None:
    fault = fault_of(GOOD + b"1001\n1002,x\n")
    assert fault.row == 1001
    assert "row 1001 (line 1002) has 1 fields, the header has 2: '1001'" in str(fault)


def test_a_long_row_is_named_by_its_number_and_line() -> None:
    fault = fault_of(GOOD + b"1001,x,y\n")
    assert fault.row == 1001
    assert "row 1001 (line 1002) has 3 fields, the header has 2: '1001,x,y'" in str(fault)


@pytest.mark.parametrize("long", [b"3,4,5", b"3,4,", b'3,4,""', b"3,4,\n", b"3,4, "])
def test_a_long_row_does_not_make_up_for_a_short_one(long: bytes) -> None:
    fault = fault_of(b"id,name\n1\n2,x\n" + long)
    assert fault.row == 1
    assert "has 1 fields" in str(fault)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_delimiter_too_many_at_the_very_end_is_found(end: bytes) -> None:
    assert fault_of(b"id,name\n\n1,2," + end).row == 1
    assert fault_of(b"id,name\n1,x\n2,y," + end).row == 2


def test_the_row_counts_records_and_the_line_counts_lines() -> None:
    fault = fault_of(b'id,name\n1,"two\nlines"\n2\n')
    assert fault.row == 2
    assert "row 2 (line 4)" in str(fault)


def test_a_blank_row_in_the_middle_is_named() -> None:
    fault = fault_of(b"id,name\n1,x\n\n3,z\n")
    assert fault.row == 2
    assert "row 2 (line 3) is blank, with rows after it" in str(fault)


def test_a_quote_that_is_never_closed_is_found_where_it_opens() -> None:
    fault = fault_of(b'id,name\n1,x\n2,"y\n3,z\n')
    assert fault.row == 2
    assert "check its quotes" in str(fault)


def test_a_quote_that_is_never_closed_swallows_no_more_than_a_field_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited_records, "MAX_FIELD_CHARACTERS", 1000)
    taken: list[int] = []

    def long() -> Iterator[bytes]:
        taken.clear()
        yield b'id,name\n1,"x\n'
        for _ in range(1000):
            taken.append(1)
            yield b"2,y\n" * 100

    with pytest.raises(DataFault, match=r"row 1 \(line 2\) cannot be read: a quote opens a field and is never closed"):
        examine_stream(long)
    assert len(taken) < 20


@pytest.mark.parametrize(
    "row",
    [b'"a" b,1', b'"a"b,1', b'"a" ,1', b'"a""b"c",1', b'""a,1', b'1,"a"x'],
)
def test_text_after_a_closing_quote_is_refused(row: bytes) -> None:
    fault = fault_of(b"id,name\n1,x\n" + row + b"\n3,z\n")
    assert fault.row == 2
    assert "check its quotes" in str(fault)


@pytest.mark.parametrize("row", [b'1,5" pipe', b'a"b,1', b' "x,1', b'1,x"'])
@pytest.mark.parametrize("again", [b"", b'3,6" pipe\n'])
def test_a_lonely_quote_inside_an_unquoted_field_is_refused(row: bytes, again: bytes) -> None:
    fault = fault_of(b"id,name\n1,x\n" + row + b"\n" + again)
    assert fault.row == 2
    assert "check its quotes" in str(fault)


def test_a_quote_in_the_header_that_is_never_closed_is_refused() -> None:
    assert fault_of(b'id,na"me\n1,x\n').row == 0
    assert fault_of(b'id,"name\n1,x\n').row == 0


@pytest.mark.parametrize("body", [b"1,x\ry\n", b"\r1,x\n", b"1,x\r\r\n", b"1,\r\n2,\ry\n", b'"1"\r,x\n'])
def test_a_carriage_return_alone_outside_quotes_is_refused(body: bytes) -> None:
    fault = fault_of(b"id,name\n9,z\n" + body)
    assert fault.row
    assert fault.row >= 2
    assert "carriage return stands alone" in str(fault)


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3, 7, 1 << 20])
def test_a_row_that_is_not_utf_8_is_named(chunk_bytes: int) -> None:
    fault = fault_of("id,name\n1,größe\n".encode() + b"2,gr\xf6\xdfe\n", chunk_bytes=chunk_bytes)
    assert fault.row == 2
    assert "row 2 (line 3) is not UTF-8 in field 2; save the file as UTF-8" in str(fault)


def test_a_character_that_is_cut_off_at_the_end_is_not_utf_8() -> None:
    fault = fault_of(b"id,name\n1,x\n2,\xc3", encoding="utf-8")
    assert fault.row == 2
    assert "is not UTF-8" in str(fault)


@pytest.mark.parametrize("text", [b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xff"])
def test_bytes_that_are_no_characters_are_not_utf_8(text: bytes) -> None:
    assert "is not UTF-8" in str(fault_of(b"id,name\n1," + text + b"\n", encoding="utf-8"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_refused_until_it_is_stated(encoding: str) -> None:
    data = "id,größe\n1,größe\n".encode(encoding)
    assert f"state fileConfig.encoding, such as {encoding}" in str(fault_of(data))
    assert cells_of(data, encoding=encoding) == [("1", "größe")]


def test_a_header_that_is_not_utf_8_is_named() -> None:
    fault = fault_of(b"id,gr\xf6\xdfe\n1,x\n", encoding="utf-8")
    assert fault.row == 0
    assert "the header (line 1) is not UTF-8 in field 2" in str(fault)


def test_a_header_without_an_end_is_refused_before_the_file_is_read_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited_header, "MAX_HEADER_CHARACTERS", 1000)
    taken = []

    def endless() -> Iterator[bytes]:
        for _ in range(1_000_000):
            taken.append(1)
            yield b"a" * 100

    with pytest.raises(DataFault, match="header is longer"):
        examine_stream(endless)
    assert len(taken) < 20_000


def test_a_long_cell_is_shown_by_its_beginning_only() -> None:
    assert len(str(fault_of(b"id,name\n" + b"x" * 100_000 + b"\n"))) < 250


def test_a_file_that_is_read_record_by_record_has_the_same_records() -> None:
    with examined(GOOD, by_records=True) as text:
        assert (text.records, text.malformed) == (1000, 0)
    with pytest.raises(DataFault) as caught, examined(GOOD + b"x\n", by_records=True):
        pass
    assert caught.value.row == 1001


def test_the_delimiter_is_the_one_of_the_job() -> None:
    with pytest.raises(DataFault, match="row 1"):
        structure_of(b"a;b\n1;2;3\n", delimiter=";")
    assert structure_of(b"a;b\n1,5;2\n", delimiter=";").records == 1
