"""Workbooks of Excel as sources of Bronze: .xlsx and .xls, a sheet or all of them, with the types that the cells have.

A workbook is held in memory, so one that is too large for this machine moves to the next tier.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import polars as pl

from flowforge.medallion.batches import BATCH_ROWS, streamed
from flowforge.medallion.bronze_source import ROW_NUMBER, Audit, StoredFile, with_audit_columns
from flowforge.medallion.common_type import stored
from flowforge.medallion.excel_97 import Workbook97
from flowforge.medallion.excel_cells import CellKinds, cell, column, shown
from flowforge.medallion.excel_package import WorkbookPackage
from flowforge.medallion.excel_reader import locked, reader_errors
from flowforge.medallion.header import unique_names
from flowforge.medallion.sheet_content import SheetContent
from flowforge.model.errors import ConfigFault, DataFault, NextTier
from flowforge.model.source import FileConfig
from flowforge.model.source_format import COMPOUND_FILE_MAGIC

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
"""The stream that holds a workbook behind a password ([MS-OFFCRYPTO] 2.3.4.4)."""
HELD_PER_XML_BYTE = 3
HELD_PER_CELL_BYTES = 32
HELD_PER_OLD_BYTE = 8
"""Measured with the reader's version: 31 MB of XML took 58 MB, and a batch of rows 24 more. A cell takes 32 bytes."""


@dataclass(frozen=True)
class Workbook:
    """An opened workbook with the names of its sheets in their order. ``parts`` are looked at apart from ``reader``."""

    file: StoredFile
    reader: "CalamineWorkbook"
    parts: WorkbookPackage | Workbook97
    visible: tuple[str, ...]
    hidden: tuple[str, ...]


@dataclass(frozen=True)
class SheetSource:
    """One sheet, examined. ``rows`` are the 1-based rows of the sheet that are records."""

    file: StoredFile
    name: str
    sheet: "CalamineSheet"
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

    def explain(self, fault: DataFault) -> DataFault:
        """The fault itself: every cell has been looked at before."""
        return fault

    def _batches(self) -> Iterator[pl.DataFrame]:
        first = 1
        for cells in _batches_of(self.sheet, self.rows, self.positions, null_values=self.null_values):
            numbers = pl.int_range(first, first + len(cells[0]), dtype=pl.Int64, eager=True).alias(ROW_NUMBER)
            values = [column(values, stored(kept)) for values, kept in zip(cells, self.types.values(), strict=True)]
            yield pl.DataFrame([numbers, *(series.alias(f"{number}") for number, series in enumerate(values))])
            first += len(cells[0])


def examine_excel(file: StoredFile, config: FileConfig) -> list[SheetSource]:
    """The sheets that the job chooses, each with its columns, types and records.

    Raises DataFault for a workbook that is damaged, behind a password, or without content, ConfigFault for a sheet that it does
    not have, NextTier where this machine's memory cannot hold it.
    """
    workbook = _open(file)
    chosen, notes = _chosen_sheets(workbook, config)
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
    first = sources[0]
    return [
        SheetSource(**{**vars(first), "notes": (*notes, *first.notes)}),
        *sources[1:],
    ]


def _open(file: StoredFile) -> Workbook:
    # Only a step that meets a workbook needs its reader.
    from python_calamine import SheetTypeEnum, SheetVisibleEnum, load_workbook

    _require_memory(file, file.size_bytes)
    content = b"".join(file.open_stream())
    old = content.startswith(COMPOUND_FILE_MAGIC)
    if old and ENCRYPTED_PACKAGE in content:
        raise locked(file.name)
    _require_memory(file, len(content) * (HELD_PER_OLD_BYTE if old else 1))
    parts = Workbook97(content, file=file.name) if old else WorkbookPackage(content, file=file.name)
    if isinstance(parts, Workbook97):
        _require_memory(file, len(content) * HELD_PER_OLD_BYTE + parts.rectangle_cells * HELD_PER_CELL_BYTES)
    with reader_errors(file.name):
        reader = load_workbook(BytesIO(content))
    sheets = [item for item in reader.sheets_metadata if item.typ == SheetTypeEnum.WorkSheet]
    visible = tuple(item.name for item in sheets if item.visible == SheetVisibleEnum.Visible)
    return Workbook(file, reader, parts, visible, tuple(item.name for item in sheets if item.name not in visible))


def _chosen_sheets(workbook: Workbook, config: FileConfig) -> tuple[list[str], list[str]]:
    """The names of the sheets to read, and notes about those that are not."""
    file, known = workbook.file.name, (*workbook.visible, *workbook.hidden)
    if config.sheet_name is not None:
        if config.sheet_name not in known:
            raise ConfigFault(
                f"fileConfig.sheetName is {config.sheet_name!r}, which {file} does not have; it has {', '.join(known)}",
                file=file,
                option="fileConfig.sheetName",
            )
        return [config.sheet_name], []
    if config.sheet_index is not None:
        # The position among all sheets, as a person counts them with the hidden ones shown.
        order = [item.name for item in workbook.reader.sheets_metadata if item.name in known]
        if config.sheet_index >= len(order):
            raise ConfigFault(
                f"fileConfig.sheetIndex is {config.sheet_index}, and {file} has {len(order)} sheets, counted from 0",
                file=file,
                option="fileConfig.sheetIndex",
            )
        return [order[config.sheet_index]], []
    if not workbook.visible:
        raise DataFault(f"{file} has no visible sheet; name one by sheetName", file=file)
    if config.sheets == "all":
        hidden = [f"{file}: the hidden sheet {name!r} was left out; name it by sheetName to read it" for name in workbook.hidden]
        return list(workbook.visible), hidden
    left_out = [*workbook.visible[1:], *workbook.hidden]
    notes = [f"{file}: the sheet {workbook.visible[0]!r} was read, and not {', '.join(map(repr, left_out))}"] if left_out else []
    return [workbook.visible[0]], notes


def _examine_sheet(workbook: Workbook, sheet_name: str, config: FileConfig, *, name: str) -> SheetSource | None:
    """A sheet's columns, types and records; None where it is empty."""
    file = workbook.file
    content = _content(workbook, sheet_name)
    with reader_errors(file.name):
        sheet = workbook.reader.get_sheet_by_name(sheet_name)
    # Behind the last cell of the reader there may be rows of empty texts.
    last = max(content.last_certain_row, sheet.end[0] + 1 if sheet.end else 0)
    present = [row for row in content.rows if config.skip_rows < row <= last]
    if not present:
        return None
    header_row = (config.header_row or present[0]) if config.has_header else None
    rows = [row for row in present if header_row is None or row > header_row]
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
    return SheetSource(file, name, sheet, types, positions, rows, tuple(notes), config.null_values)


def _content(workbook: Workbook, sheet_name: str) -> SheetContent:
    """What a look at a sheet tells, once its cells are known to fit the memory."""
    file, parts = workbook.file, workbook.parts
    held_bytes = file.size_bytes * HELD_PER_OLD_BYTE
    if isinstance(parts, WorkbookPackage):
        held_bytes = file.size_bytes + HELD_PER_XML_BYTE * parts.unpacked_bytes(sheet_name)
    _require_memory(file, held_bytes)
    content = parts.content(sheet_name)
    content.require_density(sheet_name, file=file.name)
    _require_memory(file, held_bytes + HELD_PER_CELL_BYTES * content.rectangle_cells)
    return content


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


def _require_memory(file: StoredFile, needed_bytes: int) -> None:
    """Raise NextTier where a workbook takes more memory than this machine has for it."""
    if file.memory_bytes is not None and needed_bytes > file.memory_bytes:
        raise NextTier(
            f"{file.name}: the workbook takes about {needed_bytes >> 20:,} MB of memory, and {file.memory_bytes >> 20:,} MB are "
            "free for it; save it as CSV or Parquet, which are streamed, or split it",
            file=file.name,
        )
