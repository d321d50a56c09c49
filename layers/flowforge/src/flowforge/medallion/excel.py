"""Workbooks of Excel as sources of Bronze: .xlsx and .xls, a sheet or all of them, with the types that the cells have.

A workbook is held in memory, so one that is too large for this machine moves to the next tier.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from flowforge.medallion.batches import BATCH_ROWS, streamed
from flowforge.medallion.bronze_source import ROW_NUMBER, Audit, ReadInWhole, with_audit_columns
from flowforge.medallion.common_type import stored
from flowforge.medallion.excel_cells import CellKinds, cell, column, shown
from flowforge.medallion.excel_reader import reader_errors
from flowforge.medallion.excel_workbook import Workbook, chosen_sheets, content_of, load_sheet, open_workbook
from flowforge.medallion.header import unique_names
from flowforge.medallion.sheet_content import SheetContent
from flowforge.medallion.stored_file import StoredFile
from flowforge.model.errors import DataFault
from flowforge.model.source import FileConfig

if TYPE_CHECKING:
    from python_calamine import CalamineSheet


@dataclass(frozen=True)
class SheetSource(ReadInWhole):
    """One sheet, examined. ``rows`` are the 1-based rows of the sheet that are records, ``positions`` its columns from 0.

    The workbook is opened again for the cells, so that no more than one is in memory however many files and sheets a run has.
    """

    file: StoredFile
    name: str
    sheet_name: str
    types: Mapping[str, pl.DataType]
    positions: tuple[int, ...]
    rows: Sequence[int]
    notes: tuple[str, ...]
    null_values: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """The rows below the header that have content."""
        return len(self.rows)

    def frame(self, audit: Audit) -> pl.LazyFrame:
        """The columns in the types that their cells have, then the audit columns."""
        schema = pl.Schema(
            {ROW_NUMBER: pl.Int64(), **{f"{number}": stored(kept) for number, kept in enumerate(self.types.values())}}
        )
        columns = [pl.col(f"{number}").alias(name) for number, name in enumerate(self.types)]
        return with_audit_columns(
            streamed(self._batches, schema), columns, audit, source_file=self.name, row_number=pl.col(ROW_NUMBER)
        )

    def _batches(self) -> Iterator[pl.DataFrame]:
        first = 1
        sheet = load_sheet(self.file, self.sheet_name)
        for cells in _batches_of(sheet, self.rows, self.positions, null_values=self.null_values):
            numbers = pl.int_range(first, first + len(cells[0]), dtype=pl.Int64, eager=True).alias(ROW_NUMBER)
            values = [column(values, stored(kept)) for values, kept in zip(cells, self.types.values(), strict=True)]
            yield pl.DataFrame([numbers, *(series.alias(f"{number}") for number, series in enumerate(values))])
            first += len(cells[0])


def examine_excel(file: StoredFile, config: FileConfig) -> list[SheetSource]:
    """The sheets that the job chooses, each with its columns, types and records.

    Raises DataFault for a workbook that is damaged, behind a password, or without content, ConfigFault for a sheet that it does
    not have, NextTier where this machine's memory cannot hold it.
    """
    workbook = open_workbook(file)
    chosen, notes = chosen_sheets(workbook, config)
    everything = config.sheets == "all"
    sources = []
    for sheet in chosen:
        name = f"{file.name}/{sheet}" if everything else file.name
        source = _examine_sheet(workbook, sheet, config, name=name)
        if source is not None:
            sources.append(source)
        elif everything:
            notes.append(f"{file.name}: the sheet {sheet!r} is empty and was left out")
        else:
            raise DataFault(f"{file.name}: the sheet {sheet!r} is empty: it has no header and no rows", file=file.name)
    if not sources:
        raise DataFault(f"{file.name}: every visible sheet is empty", file=file.name)
    return [replace(sources[0], notes=(*notes, *sources[0].notes)), *sources[1:]]


def _examine_sheet(workbook: Workbook, sheet_name: str, config: FileConfig, *, name: str) -> SheetSource | None:
    """A sheet's columns, types and records; None where it is empty."""
    file = workbook.file
    content = content_of(workbook, sheet_name)
    with reader_errors(file.name):
        sheet = workbook.reader.get_sheet_by_name(sheet_name)
    # Behind the last cell of the reader there may be rows of empty texts.
    last = max(content.last_certain_row, sheet.end[0] + 1 if sheet.end else 0)
    present = [row for row in content.rows if config.skip_rows < row <= last]
    if not present:
        return None
    header_row = (config.header_row or present[0]) if config.has_header else None
    rows = array("I", (row for row in present if header_row is None or row > header_row))
    rows = rows[: max(0, len(rows) - config.skip_footer_rows)]
    header: list[str] = []
    if header_row is not None:
        header = [shown(cell(value)) or "" for value in next(_rows_at(sheet, [header_row]), [])]
    kinds = [CellKinds() for _ in range(sheet.width)]
    every = tuple(range(sheet.width))
    for batch in _batches_of(sheet, rows, every, null_values=config.null_values):
        for seen, values in zip(kinds, batch, strict=True):
            seen.see(values)
    header += [""] * (sheet.width - len(header))
    positions = tuple(at for at in every if header[at].strip() or kinds[at].kinds - {type(None)})
    names = unique_names([header[at] for at in positions])
    types = {column_name: kinds[at].type() for column_name, at in zip(names, positions, strict=True)}
    notes = [
        f"{name}: {column_name}: {note}"
        for column_name, at in zip(names, positions, strict=True)
        if (note := kinds[at].note()) is not None
    ]
    notes += _notes_of_content(name, content, sheet)
    return SheetSource(file, name, sheet_name, types, positions, rows, tuple(notes), config.null_values)


def _notes_of_content(name: str, content: SheetContent, sheet: "CalamineSheet") -> list[str]:
    notes = []
    if content.errors:
        notes.append(
            f"{name}: {content.errors:,} cells hold an error such as #N/A, the first {content.first_error}; they are null"
        )
    if content.unset_formulas:
        notes.append(
            f"{name}: {content.unset_formulas:,} formulas were never calculated, the first {content.first_unset}; they are "
            "null: open the workbook in a spreadsheet program and save it"
        )
    if sheet.merged_cell_ranges:
        notes.append(f"{name}: cells are merged; the value stands in the first one, and the others are null")
    return notes


def _rows_at(sheet: "CalamineSheet", wanted: Sequence[int]) -> Iterator[list[Any]]:
    """The cells of the 1-based rows named, in order. The reader begins with the first row of the sheet."""
    rows = iter(wanted)
    next_row = next(rows, None)
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if number == next_row:
            yield cells
            next_row = next(rows, None)
        if next_row is None:
            return


def _batches_of(
    sheet: "CalamineSheet", rows: Sequence[int], positions: Sequence[int], *, null_values: Sequence[str]
) -> Iterator[list[list[Any]]]:
    """The cells of rows by column, in batches."""
    batch: list[list[Any]] = []
    nulls = frozenset(null_values)

    def turned() -> list[list[Any]]:
        return [[cell(cells[at], null_values=nulls) for cells in batch] for at in positions]

    for cells in _rows_at(sheet, rows):
        batch.append(cells)
        if len(batch) == BATCH_ROWS:
            yield turned()
            batch = []
    if batch:
        yield turned()
