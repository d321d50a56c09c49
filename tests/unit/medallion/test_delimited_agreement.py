"""Whatever file the structure check lets pass, Bronze holds exactly the cells that the csv module reads from it."""

import csv
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from csv_files import FILE, cells_of, expected_cells, structure_of, written
from flowforge.model.errors import DataFault

CELL = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12),
    st.text(alphabet='a ",;\n\r\t\ufeffäß日', max_size=90),
)
NAME = st.text(alphabet='ab ",\näß', min_size=1, max_size=6).filter(lambda name: name.strip() != "")


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    width = draw(st.integers(1, 4))
    header = draw(st.lists(NAME, min_size=width, max_size=width))
    rows = draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=12))
    return [header, *rows]


@settings(max_examples=250, deadline=None, derandomize=True)
@given(
    table=tables(),
    delimiter=st.sampled_from(",;\t|"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    mark=st.booleans(),
    leading=st.integers(0, 2),
    trailing=st.integers(0, 3),
    chunk_bytes=st.one_of(st.integers(1, 8), st.just(1 << 20)),
)
@example([["a"], [""], ["x"]], ",", "\n", csv.QUOTE_MINIMAL, True, 1, 2, 1)
def test_every_table_that_the_csv_module_writes_is_read_cell_by_cell(
    table: list[list[str]],
    delimiter: str,
    line_end: str,
    quoting: int,
    mark: bool,
    leading: int,
    trailing: int,
    chunk_bytes: int,
) -> None:
    body = written(table, delimiter=delimiter, line_end=line_end, quoting=quoting)
    data = b"\xef\xbb\xbf" * mark + line_end.encode() * leading + body + line_end.encode() * trailing
    structure = structure_of(data, delimiter=delimiter)
    assert structure.records == len(table) - 1
    assert len(structure.columns) == len(table[0])
    assert cells_of(data, delimiter=delimiter, chunk_bytes=chunk_bytes) == [
        tuple(cell or None for cell in row) for row in table[1:]
    ]


def is_read_alike_or_refused(data: bytes, *, chunk_bytes: int = 1 << 20) -> str:
    """See that a file gives the right cells, or a fault that names the file and the row; tell which."""
    try:
        cells = cells_of(data, chunk_bytes=chunk_bytes)
    except DataFault as refusal:
        fault = refusal
    else:
        assert cells == expected_cells(data), data
        return "read"
    assert fault.file == FILE, data
    assert str(fault).startswith(FILE), data
    assert fault.row is not None or "is empty" in str(fault), data
    return "refused"


def small_files(start: str, alphabet: str, length: int) -> Iterator[bytes]:
    for size in range(length + 1):
        for characters in itertools.product(alphabet, repeat=size):
            yield (start + "".join(characters)).encode()


@pytest.mark.parametrize(
    ("start", "alphabet", "length"),
    [
        ("", 'a,"\n\r', 4),
        ("a,b\n", 'x,"\n', 5),
        ("a,b\r\n", 'x,"\n\r', 4),
        ("a\n", 'x"\n\r ', 4),
        ('a,b\n"x",', 'y," \n', 4),
        ("\ufeff", 'a,"\n', 4),
    ],
    ids=["any text", "two columns", "carriage returns", "one column", "after a quoted field", "after a byte order mark"],
)
def test_every_small_file_is_read_as_the_csv_module_reads_it_or_refused(start: str, alphabet: str, length: int) -> None:
    kinds = {is_read_alike_or_refused(data) for data in small_files(start, alphabet, length)}
    assert kinds == {"read", "refused"}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    body=st.text(alphabet='ab,"\n\r ü', max_size=160),
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    chunk_bytes=st.integers(1, 70),
)
def test_a_random_text_is_read_as_the_csv_module_reads_it_or_refused(body: str, mark: bytes, chunk_bytes: int) -> None:
    is_read_alike_or_refused(mark + b"a,b\n" + body.encode(), chunk_bytes=chunk_bytes)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.binary(max_size=120), chunk_bytes=st.integers(1, 130))
def test_the_size_of_the_chunks_never_matters(data: bytes, chunk_bytes: int) -> None:
    def answer(size: int) -> object:
        try:
            text = structure_of(b"a,b\n" + data, chunk_bytes=size)
            return text.columns, text.records
        except DataFault as fault:
            return str(fault)

    assert answer(chunk_bytes) == answer(1 << 20)
