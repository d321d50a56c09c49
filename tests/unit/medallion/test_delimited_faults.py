"""Files that cannot be read: each is refused with its name, the row, the line and what is wrong with it."""

import pytest

from csv_files import FILE, bronze_of, structure_of
from flowforge.medallion import delimited_header, delimited_records
from flowforge.medallion.delimited import find_malformed_record, read_structure
from flowforge.model.errors import DataFault

GOOD = b"id,name\n" + b"".join(b"%d,x\n" % number for number in range(1, 1001))


def fault_of(data: bytes, *, chunk_bytes: int = 1 << 20) -> DataFault:
    with pytest.raises(DataFault) as caught:
        bronze_of(data, chunk_bytes=chunk_bytes)
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
    assert "row 2 is blank, with rows after it; 2 fields were expected" in str(fault)


def test_a_quote_that_is_never_closed_is_found_where_it_opens() -> None:
    fault = fault_of(b'id,name\n1,x\n2,"y\n3,z\n')
    assert fault.row == 2
    assert "check its quotes" in str(fault)


def test_a_quote_that_is_never_closed_swallows_no_more_than_a_field_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (delimited_header, delimited_records):
        monkeypatch.setattr(module, "MAX_FIELD_CHARACTERS", 1000)
    fault = fault_of(b'id,name\n1,"x\n' + b"2,y\n" * 1000)
    assert fault.row == 1
    assert "field limit" in str(fault)


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


def test_a_lonely_quote_is_refused_where_a_quoted_line_end_would_hide_it() -> None:
    assert fault_of(b'a,b,c\nx"y,"two\nlines",z"w\n').row == 1


def test_a_quote_in_the_header_that_is_never_closed_is_refused() -> None:
    assert fault_of(b'id,na"me\n1,x\n').row == 0
    assert fault_of(b'id,"name\n1,x\n').row == 0


def test_lines_that_end_in_a_carriage_return_alone_are_refused() -> None:
    fault = fault_of(b"id,name\r1,x\r2,y\r")
    assert "its lines end in a carriage return alone; save it with line feeds" in str(fault)


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
    assert "row 2 (line 3), field 2 is not UTF-8; save the file as UTF-8" in str(fault)


def test_a_character_that_is_cut_off_at_the_end_is_not_utf_8() -> None:
    fault = fault_of(b"id,name\n1,x\n2,\xc3")
    assert fault.row == 2
    assert "is not UTF-8" in str(fault)


@pytest.mark.parametrize("text", [b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xff"])
def test_bytes_that_are_no_characters_are_not_utf_8(text: bytes) -> None:
    assert "is not UTF-8" in str(fault_of(b"id,name\n1," + text + b"\n"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_file_in_another_unicode_encoding_is_refused(encoding: str) -> None:
    fault_of("id,größe\n1,größe\n".encode(encoding))


def test_a_header_that_is_not_utf_8_is_named() -> None:
    fault = fault_of(b"id,gr\xf6\xdfe\n1,x\n")
    assert fault.row == 0
    assert "the header is not UTF-8" in str(fault)


def test_a_header_without_an_end_is_refused_before_the_file_is_read_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited_header, "MAX_HEADER_BYTES", 1000)
    taken = []

    def endless() -> object:
        for _ in range(1000):
            taken.append(1)
            yield b"a" * 100

    with pytest.raises(DataFault, match="header is longer"):
        read_structure(endless, file=FILE, delimiter=",")  # type: ignore[arg-type]
    assert len(taken) < 20


def test_a_long_cell_is_shown_by_its_beginning_only() -> None:
    assert len(str(fault_of(b"id,name\n" + b"x" * 100_000 + b"\n"))) < 250


def test_a_file_without_a_malformed_record_has_none_to_find() -> None:
    assert find_malformed_record(lambda: [GOOD], file=FILE, delimiter=",") is None
    fault = find_malformed_record(lambda: [GOOD + b"x\n"], file=FILE, delimiter=",")
    assert fault is not None
    assert fault.row == 1001


def test_the_delimiter_is_the_one_of_the_job() -> None:
    with pytest.raises(DataFault, match="row 1"):
        structure_of(b"a;b\n1;2;3\n", delimiter=";")
    assert structure_of(b"a;b\n1,5;2\n", delimiter=";").records == 1
