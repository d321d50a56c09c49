"""A workbook of Excel in memory: opened where this machine can hold it, and its sheets chosen as the job says."""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from flowforge.medallion.excel_97 import Workbook97
from flowforge.medallion.excel_package import WorkbookPackage
from flowforge.medallion.excel_reader import locked, reader_errors
from flowforge.medallion.sheet_content import SheetContent
from flowforge.medallion.stored_file import StoredFile
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


def open_workbook(file: StoredFile) -> Workbook:
    """Look at a workbook's parts, and then let the reader open it.

    Raises DataFault for one that is damaged or behind a password, NextTier where this machine's memory cannot hold it.
    """
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


def chosen_sheets(workbook: Workbook, config: FileConfig) -> tuple[list[str], list[str]]:
    """The names of the sheets to read, and notes about those that are not.

    Raises ConfigFault for a sheet that the workbook does not have, DataFault where none is visible.
    """
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


def content_of(workbook: Workbook, sheet_name: str) -> SheetContent:
    """What a look at a sheet tells. Raises NextTier where the sheet's cells do not fit this machine's memory."""
    file, parts = workbook.file, workbook.parts
    held_bytes = file.size_bytes * HELD_PER_OLD_BYTE
    if isinstance(parts, WorkbookPackage):
        held_bytes = file.size_bytes + HELD_PER_XML_BYTE * parts.unpacked_bytes(sheet_name)
    _require_memory(file, held_bytes)
    content = parts.content(sheet_name)
    content.require_density(sheet_name, file=file.name)
    _require_memory(file, held_bytes + HELD_PER_CELL_BYTES * content.rectangle_cells)
    return content


def _require_memory(file: StoredFile, needed_bytes: int) -> None:
    """Raise NextTier where a workbook takes more memory than this machine has for it."""
    if file.memory_bytes is not None and needed_bytes > file.memory_bytes:
        raise NextTier(
            f"{file.name}: the workbook takes about {needed_bytes >> 20:,} MB of memory, and {file.memory_bytes >> 20:,} MB are "
            "free for it; save it as CSV or Parquet, which are streamed, or split it",
            file=file.name,
        )


def load_sheet(file: StoredFile, sheet_name: str) -> "CalamineSheet":
    """The cells of a sheet of a workbook that has been looked at; nothing else of it stays in memory."""
    from python_calamine import load_workbook

    with reader_errors(file.name):
        return load_workbook(BytesIO(b"".join(file.open_stream()))).get_sheet_by_name(sheet_name)
