"""The records of an .xls workbook ([MS-XLS], BIFF8), looked at before and apart from the reader of its cells.

For the same reasons as the XML of an .xlsx workbook (excel_package.py): the rows with content by another path, the cells with
errors, and the size of the rectangle.
"""

import struct
from collections.abc import Iterator

from flowforge.medallion.compound_file import CompoundFile
from flowforge.medallion.excel_reader import locked
from flowforge.medallion.sheet_content import SheetContent
from flowforge.model.errors import DataFault

EOF, FORMULA, BOUND_SHEET, FILE_PASS, DIMENSIONS, SHARED_STRINGS = 0x000A, 0x0006, 0x0085, 0x002F, 0x0200, 0x00FC
LABEL_SST, NUMBER, RK, LABEL, BOOL_OR_ERROR, MANY_RK = 0x00FD, 0x0203, 0x027E, 0x0204, 0x0205, 0x00BD
CELLS = (LABEL_SST, NUMBER, RK, LABEL, BOOL_OR_ERROR, MANY_RK, FORMULA)
TEXTS = (LABEL_SST, LABEL)
RECORD_HEADER_BYTES = 4
WORKSHEET = 0
SHORTEST_STRING_BYTES = 3
MAX_ROWS, MAX_COLUMNS = 1 << 16, 1 << 8
NO_NUMBER = b"\xff\xff"
ERROR_RESULT, EMPTY_STRING_RESULT = 2, 3
"""Results of a formula that are no numbers ([MS-XLS] 2.5.133, FormulaValue)."""


class Workbook97:
    """The sheets of an .xls workbook by name, with what a look at them tells.

    Raises DataFault where it is damaged, behind a password, of a version before Excel 97, or states sizes that it cannot have:
    the reader of cells takes memory for what is stated.
    """

    def __init__(self, content: bytes, *, file: str) -> None:
        self._file = file
        self._contents: dict[str, SheetContent] = {}
        try:
            stream = CompoundFile(content).stream("Workbook")
            if stream is None:
                raise DataFault(f"{file} is of a version before Excel 97, or no workbook; save it as .xlsx", file=file)
            for name, start in self._sheets(stream):
                self._contents[name] = _content(_records(stream, start))
                self._contents[name].require_density(name, file=file)
        except (ValueError, struct.error, IndexError) as error:
            raise DataFault(f"{file} is a damaged workbook ({error}); save it again", file=file) from error

    @property
    def rectangle_cells(self) -> int:
        """The cells of the rectangles of all sheets, which the reader holds at once."""
        return sum(content.rectangle_cells for content in self._contents.values())

    def content(self, sheet: str) -> SheetContent:
        """What a look at a sheet tells. Raises DataFault where the workbook has no records of it."""
        if sheet not in self._contents:
            raise DataFault(f"{self._file}: the sheet {sheet!r} is missing; save the workbook again", file=self._file)
        return self._contents[sheet]

    def _sheets(self, stream: bytes) -> Iterator[tuple[str, int]]:
        """The name of each worksheet and where its records begin."""
        for kind, data in _records(stream, 0):
            if kind == FILE_PASS:
                raise locked(self._file)
            if kind == SHARED_STRINGS and struct.unpack_from("<I", data, 4)[0] * SHORTEST_STRING_BYTES > len(stream):
                raise ValueError("it states more texts than it has room for")
            if kind == BOUND_SHEET and data[5] == WORKSHEET:
                (start,) = struct.unpack_from("<I", data)
                length, wide = data[6], data[7] & 1
                name = data[8 : 8 + length * 2].decode("utf-16-le") if wide else data[8 : 8 + length].decode("latin-1")
                # As the reader does.
                yield name.replace("\0", ""), start


def _records(stream: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """The records of the part that begins there, up to its end. The cells of a sheet stand before its charts, which end too."""
    at = start
    while at + RECORD_HEADER_BYTES <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind == EOF:
            return
        at += RECORD_HEADER_BYTES
        yield kind, stream[at : at + length]
        at += length
    raise ValueError("its records end too early")


def _content(records: Iterator[tuple[int, bytes]]) -> SheetContent:
    content = SheetContent()
    rows: set[int] = set()
    for kind, data in records:
        if kind == DIMENSIONS:
            _require_sheet_size(data)
        for row, column, is_error in _cells(kind, data):
            content.add_cell(row + 1, column + 1, is_error=is_error, is_shared_text=kind in TEXTS)
            rows.add(row + 1)
    for row in sorted(rows):
        content.add_row(row)
    return content


def _require_sheet_size(data: bytes) -> None:
    """Raise ValueError where the stated dimensions (first row, behind the last, the same of columns) are no sheet's."""
    first_row, end_row, first_column, end_column = struct.unpack_from("<IIHH", data)
    is_empty = not end_row or not end_column
    if end_row > MAX_ROWS or end_column > MAX_COLUMNS or not (is_empty or (first_row < end_row and first_column < end_column)):
        raise ValueError(f"it states a sheet from row {first_row:,} to {end_row:,}, column {first_column:,} to {end_column:,}")


def _cells(kind: int, data: bytes) -> list[tuple[int, int, bool]]:
    """Row, column (from 0) and whether it is an error, of each cell of a record that has content."""
    if kind not in CELLS:
        return []
    row, column = struct.unpack_from("<HH", data)
    if kind == MANY_RK:
        (last,) = struct.unpack_from("<H", data, len(data) - 2)
        return [(row, each, False) for each in range(column, last + 1)]
    if kind == BOOL_OR_ERROR:
        return [(row, column, bool(data[7]))]
    if kind == FORMULA and data[12:14] == NO_NUMBER:
        return [] if data[6] == EMPTY_STRING_RESULT else [(row, column, data[6] == ERROR_RESULT)]
    return [(row, column, False)]
