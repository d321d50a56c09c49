"""Files that are fine: their columns, their records, their cells, written out by hand."""

import pytest

from csv_files import Row, bronze_of, cells_of, structure_of
from flowforge.medallion.header import unique_names


@pytest.mark.parametrize(
    ("data", "records", "blank"),
    [
        (b"a,b\n", 0, 0),
        (b"a,b", 0, 0),
        (b"a,b\n\n\n", 0, 2),
        (b"a,b\n1,2", 1, 0),
        (b"a,b\n1,2\n", 1, 0),
        (b"a,b\r\n1,2\r\n", 1, 0),
        (b"a,b\n1,2\n\n", 1, 1),
        (b"a,b\r\n1,2\r\n\r\n\r\n", 1, 2),
        (b"\n\na,b\n1,2\n", 1, 0),
        (b"\xef\xbb\xbf\r\na,b\r\n1,2\r\n", 1, 0),
        (b'a,b\n"1\n\n",2\n', 1, 0),
        (b'a,b\n1,"2\n"', 1, 0),
        (b"a\n1\n\n2\n\n", 3, 1),
        (b'a\n""\n', 1, 0),
    ],
)
@pytest.mark.parametrize("chunk_bytes", [1, 2, 5, 1 << 20])
def test_records_are_counted_and_blank_lines_at_the_ends_are_none(
    data: bytes, records: int, blank: int, chunk_bytes: int
) -> None:
    structure = structure_of(data, chunk_bytes=chunk_bytes)
    assert (structure.records, structure.view.trailing_blank_lines) == (records, blank)
    assert len(cells_of(data)) == records


@pytest.mark.parametrize(
    ("data", "cells"),
    [
        (b'a,b\n"x,y","z\n"\n', [("x,y", "z\n")]),
        (b'a,b\n"he said ""no""",""\n', [('he said "no"', None)]),
        (b'a,b\n"""","\r"\n', [('"', "\r")]),
        (b'a,b\r\n"x\r\ny",2\r\n', [("x\r\ny", "2")]),
        (b'a,b\nsay "hi" now,1\n', [('say "hi" now', "1")]),
        (b'a,b\n1,x""\n', [("1", 'x""')]),
        (b'a,b,c\nx"y,"two\nlines",z"w\n', [('x"y', "two\nlines", 'z"w')]),
        (b'a,b\n 1 ,"  "\n', [(" 1 ", "  ")]),
        (b"a,b\n1,\x002\n", [("1", "\x002")]),
        (b"a,b\n1,2\x1a\n", [("1", "2\x1a")]),
        ("a,b\n\u2028,\u0085\n".encode(), [("\u2028", "\u0085")]),
        ("a,b\n\ufeff1,2\n".encode(), [("\ufeff1", "2")]),
        (b"a,b\n,\n", [(None, None)]),
        (b"a\n\n\n1\n", [(None,), (None,), ("1",)]),
        (b"a,a,b\n1,2,3\n", [("1", "2", "3")]),
        (b"*,b\n1,2\n", [("1", "2")]),
        (b"^b.*$,b\n1,2\n", [("1", "2")]),
        (b"_row_number_x,len\n1,2\n", [("1", "2")]),
    ],
)
def test_a_cell_is_what_stands_between_its_delimiters(data: bytes, cells: list[Row]) -> None:
    assert cells_of(data) == cells


def test_an_unquoted_empty_cell_is_null_and_a_quoted_one_is_an_empty_text() -> None:
    assert bronze_of(b'a,b\n,""\n').select("a", "b").rows() == [(None, "")]


def test_quotes_over_the_edges_of_chunks_are_read_alike() -> None:
    data = b'a,b\n"x""y\n",""\n"""",z\n'
    for size in range(1, len(data) + 1):
        assert structure_of(data, chunk_bytes=size).records == 2


def test_a_large_file_with_quoted_line_ends_is_counted_right() -> None:
    rows = [f'{number},"line {number}\n,""more"""\r\n' for number in range(50_000)]
    data = ("id,text\r\n" + "".join(rows)).encode()
    assert structure_of(data, chunk_bytes=4096).records == 50_000
    assert cells_of(data)[-1] == ("49999", 'line 49999\n,"more"')


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (["a", "b"], ("a", "b")),
        ([" a ", "b\t"], ("a", "b")),
        (["", "b", " "], ("column_1", "b", "column_3")),
        (["a", "a", "a"], ("a", "a_2", "a_3")),
        (["a", "a", "a_2"], ("a", "a_3", "a_2")),
        (["a", "A"], ("a", "A")),
        (["column_2", ""], ("column_2", "column_2_2")),
    ],
)
def test_names_are_stripped_and_made_unique_by_the_header_alone(header: list[str], names: tuple[str, ...]) -> None:
    assert unique_names(header) == names
