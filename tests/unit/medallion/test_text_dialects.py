"""Every option of delimited text: what it makes of a small file, written out by hand."""

import itertools
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csv_files import FILE, bronze_of, cells_of, examined, malformed_of, structure_of
from flowforge.medallion.dialect import Dialect
from flowforge.model.errors import DataFault

AUDIT = 4


def named_cells(data: bytes, **options: Any) -> dict[str, list[str | None]]:
    frame = bronze_of(data, **options)
    return {name: frame[name].to_list() for name in frame.columns[:-AUDIT]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_detected(delimiter: str) -> None:
    data = "id,amount,text\n1,2,x\n3,4,y\n".replace(",", delimiter).encode()
    assert cells_of(data) == [("1", "2", "x"), ("3", "4", "y")]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("id;amount\n1;1,50\n2;2,50\n", ";"),
        ("id,tags\n1,a;b;c\n2,d;e\n", ","),
        ("id;name, first;age\n1;Doe, John;7\n", ";"),
        ("name\nDoe, John\n", ","),
        ("name\n", ","),
        ("a;b;c\n", ";"),
        ('id;text\n1;"a,b,c"\n2;"d,e,f"\n', ";"),
        ("id;amount\n1;1,50\n2\n3;2,50\n", ";"),
        ("a|b,c\n1|2,3\n", ","),
        ("id,name\n1,x\n2\n", ","),
    ],
)
def test_the_delimiter_is_the_one_that_gives_every_record_as_many_fields_as_the_first(text: str, delimiter: str) -> None:
    with examined(text.encode(), on_malformed_row="quarantine") as found:
        assert found.view.delimiter == delimiter


def test_a_detected_delimiter_stands_in_the_result_and_a_comma_goes_without_saying() -> None:
    assert structure_of(b"a;b\n1;2\n").notes == (f"{FILE}: read with delimiter ';', as its content shows",)
    assert structure_of(b"a;b\n1;2\n", delimiter=";").notes == ()
    assert structure_of(b"a,b\n1,2\n").notes == ()


@pytest.mark.parametrize("delimiter", ["::", "§", "||", "\x01", "~"])
def test_any_delimiter_can_be_stated(delimiter: str) -> None:
    data = 'id,text\n1,"a,""b"""\n2,\n3,""\n4,x\x1fy\n'.replace(",", delimiter).encode()
    expected = [("1", f'a{delimiter}"b"'), ("2", None), ("3", ""), ("4", "x\x1fy")]
    assert bronze_of(data, delimiter=delimiter).select("id", "text").rows() == expected


def test_another_quote_character() -> None:
    data = b"id,text\n1,'a, ''b'' \"c\"'\n2,say \"hi\"\n"
    assert cells_of(data, quote_character="'") == [("1", "a, 'b' \"c\""), ("2", 'say "hi"')]
    assert cells_of("id,text\n1,«a,b»\n".replace("»", "«").encode(), quote_character="«") == [("1", "a,b")]


def test_without_a_quote_character_quotes_are_text() -> None:
    data = b'id,size\n1,5" pipe\n2,"6"\n'
    assert cells_of(data, quote_character="") == [("1", '5" pipe'), ("2", '"6"')]


def test_an_escape_makes_the_next_character_text() -> None:
    data = (
        rb"""id,text
1,a\,b
2,"c\"d"
3,"e""f\\"
4,\N
"""
        + b"5,g\\\nh\n"
    )
    frame = bronze_of(data, escape_character="\\", null_values=("\\N",))
    assert frame["text"].to_list() == ["a,b", 'c"d', 'e"f\\', None, "g\nh"]


def test_an_escape_that_is_the_quote_is_the_usual_doubling() -> None:
    assert cells_of(b'a\n"x""y"\n', escape_character='"') == [('x"y',)]


def test_comment_lines_are_no_rows_and_count_as_lines() -> None:
    data = b'# made "by hand\nid,text\n1,#x\n#2,y\n3,"#\n#z"\n4\n'
    with pytest.raises(DataFault, match=r"row 3 \(line 7\) has 1 fields, the header has 2"):
        bronze_of(data, comment_prefix="#")
    assert cells_of(data[:-2], comment_prefix="#") == [("1", "#x"), ("3", "#\n#z")]


def test_without_a_header_columns_are_named_by_their_place() -> None:
    assert named_cells(b"\n\n1,x\n2,\n", has_header=False) == {"column_1": ["1", "2"], "column_2": ["x", None]}
    assert named_cells(b"\xef\xbb\xbf1\n\n2\n", has_header=False) == {"column_1": ["1", None, "2"]}
    with pytest.raises(DataFault, match=r"row 2 \(line 2\) has 1 fields, the first row has 2"):
        bronze_of(b"1,x\n2\n", has_header=False)


@pytest.mark.parametrize("comment", [None, "#"])
def test_lines_before_the_table_are_skipped_whatever_is_in_them(comment: str | None) -> None:
    data = b'Report "of today\n\nid,text\n1,x\n2\n'
    with pytest.raises(DataFault, match=r"row 2 \(line 5\) has 1 fields"):
        bronze_of(data, skip_rows=2, comment_prefix=comment)
    assert cells_of(data[:-2], skip_rows=2, comment_prefix=comment) == [("1", "x")]
    assert cells_of(data[:-2], skip_rows=3, comment_prefix=comment, has_header=False) == [("1", "x")]


@pytest.mark.parametrize("chunk_bytes", [1, 3, 1 << 20])
@pytest.mark.parametrize("end", ["", "\n", "\n\n\r\n"])
def test_lines_after_the_table_are_skipped_whatever_is_in_them(end: str, chunk_bytes: int) -> None:
    data = f'id,text\n1,x\n\n2,y\n\nTotal "2\n\nmade by hand{end}'.encode()
    assert malformed_of(data, skip_footer_rows=3, chunk_bytes=chunk_bytes) == [(2, 3, "is blank, with rows after it", "")]
    assert cells_of(b"id\n1\n2\n3", skip_footer_rows=2) == [("1",)]
    assert cells_of(b"id\n1", skip_footer_rows=5) == []


@pytest.mark.parametrize("options", [{}, {"comment_prefix": "#"}])
def test_lines_of_old_macintosh_files_end_in_a_carriage_return(options: dict[str, Any]) -> None:
    data = b'id,text\r1,"a\rb"\r\r2,y\r'
    assert malformed_of(data, **options) == [(2, 4, "is blank, with rows after it", "")]
    assert cells_of(data.replace(b"\r\r", b"\r"), **options) == [("1", "a\rb"), ("2", "y")]


def test_a_line_feed_alone_in_such_a_file_is_refused() -> None:
    data = b"id,text\r" + (b"1," + b"x" * 1021 + b"\r") * 1025 + b"2,y\nz\r"
    with pytest.raises(DataFault, match=r"row 1026 .*a line feed stands alone"):
        bronze_of(data)


def test_five_thousand_columns_are_read_both_ways() -> None:
    names = [f"c{number}" for number in range(5000)]
    data = ("\n".join(",".join(row) for row in (names, ['"x"'] * 5000, ["y"] * 5000)) + "\n").encode()
    dialects: list[dict[str, Any]] = [{}, {"comment_prefix": "#"}]
    for options in dialects:
        assert cells_of(data, **options) == [("x",) * 5000, ("y",) * 5000]


@pytest.mark.parametrize("options", [{}, {"comment_prefix": "#"}, {"delimiter": "::"}])
def test_a_field_of_sixteen_megabytes_is_read(options: dict[str, Any]) -> None:
    text = ('"","\n' + "x" * 1019) * (16 << 10)
    delimiter = options.get("delimiter", ",")
    data = f'id{delimiter}text\n1{delimiter}"{text.replace(chr(34), chr(34) * 2)}"\n'.encode()
    assert bronze_of(data, **options)["text"].to_list() == [text]


@pytest.mark.parametrize("options", [{}, {"comment_prefix": "#"}, {"delimiter": "|", "quote_character": "'"}])
def test_an_odd_value_far_down_is_kept_as_it_is(options: dict[str, Any]) -> None:
    delimiter = options.get("delimiter", ",")
    rows = [f"{number}{delimiter}{number}" for number in range(1, 50_001)]
    rows[49_999] = f"50000{delimiter}0x\x00ß"
    assert cells_of(("id" + delimiter + "v\n" + "\n".join(rows)).encode(), **options)[-1] == ("50000", "0x\x00ß")


def test_a_record_by_record_copy_keeps_what_looks_like_a_mark_or_a_null() -> None:
    data = '#\nid,a\n\ufeff1,\n"",NULL\n'.encode()
    frame = bronze_of(data, comment_prefix="#")
    assert frame.select("id", "a").rows() == [("\ufeff1", None), ("", "NULL")]
    assert frame["_row_number"].to_list() == [1, 2]


DIALECTS = st.builds(
    Dialect,
    delimiter=st.sampled_from([",", ";", "\t", "|", "§", "::"]),
    quote=st.sampled_from(['"', "'", "«"]),
    escape=st.sampled_from([None, "\\"]),
    comment=st.sampled_from([None, "#"]),
    line_end=st.sampled_from(["\n", "\r"]),
)
CELLS = st.one_of(st.none(), st.text(alphabet="ab ,;|:§\"'«\\#\n\r\x1f", max_size=6))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    dialect=DIALECTS,
    table=st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=6)),
    chunk_bytes=st.sampled_from([1, 3, 1 << 20]),
)
def test_whatever_the_dialect_each_cell_comes_back(
    dialect: Dialect, table: list[tuple[str | None, ...]], chunk_bytes: int
) -> None:
    def field(cell: str | None) -> str:
        if cell is None:
            return ""
        if dialect.escape:
            cell = cell.replace(dialect.escape, dialect.escape * 2)
        return dialect.quote + cell.replace(dialect.quote, dialect.quote * 2) + dialect.quote

    header = tuple(f"n{number}" for number in range(len(table[0])))
    lines = [dialect.delimiter.join(map(field, row)) for row in (header, *table)]
    if dialect.comment:
        lines = [*itertools.chain.from_iterable((f"{dialect.comment} it's \"", line) for line in lines)]
    text = dialect.line_end.join(lines) + dialect.line_end
    if dialect.line_end == "\r" and "\n" in text:
        return
    options: dict[str, Any] = {
        "delimiter": dialect.delimiter,
        "quote_character": dialect.quote,
        "escape_character": dialect.escape,
        "comment_prefix": dialect.comment,
    }
    # A row of one null is a blank line, and blank lines at the end are no records.
    expected = [*table]
    while len(header) == 1 and expected and expected[-1] == (None,):
        expected.pop()
    frame = bronze_of(text.encode(), chunk_bytes=chunk_bytes, **options)
    assert frame.select(pl.nth(*range(len(header)))).rows() == expected
    assert frame["_row_number"].to_list() == [*range(1, len(expected) + 1)]
