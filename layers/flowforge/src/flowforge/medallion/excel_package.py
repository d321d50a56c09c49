"""The parts of an .xlsx workbook (ECMA-376, "Office Open XML"), looked at before and apart from the reader of its cells.

The reader holds a sheet as a rectangle and reads an error (#N/A) as an empty cell. So the sheet's XML is passed through once
here: it gives the rows that have content, counted by another path than the one that writes them, the cells that hold errors, and
the size of the rectangle, before memory is spent on it.
"""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from xml.parsers import expat

from flowforge.medallion.sheet_content import SheetContent, reference
from flowforge.model.errors import DataFault

READ_BYTES = 1 << 20
MAX_RATIO = 250
"""XML of a real sheet packs to a twentieth; what unpacks to more than this many times its size is no workbook."""
RATIO_MATTERS_BYTES = 16 << 20
WORKBOOK_PART, BINARY_WORKBOOK_PART = "xl/workbook.xml", "xl/workbook.bin"
UNREADABLE = (
    expat.ExpatError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What zipfile and expat raise for a damaged part: a missing one, a method or an encoding that they do not know, a password."""

StartElement = Callable[[str, dict[str, str]], None]


class WorkbookPackage:
    """The zip archive of a workbook. Raises DataFault where it is damaged, or unpacks to something that no workbook is."""

    def __init__(self, content: bytes, *, file: str) -> None:
        self._file = file
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
            self._sizes = {item.filename: item.file_size for item in self._archive.infolist()}
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise self._damaged(error) from error
        for item in self._archive.infolist():
            if item.file_size > max(RATIO_MATTERS_BYTES, MAX_RATIO * item.compress_size):
                raise DataFault(
                    f"{file}: its part {item.filename} unpacks to {item.file_size >> 20:,} MB, more than {MAX_RATIO} times what "
                    "is stored, as no sheet does; it was not opened",
                    file=file,
                )
        if WORKBOOK_PART not in self._sizes:
            binary = "a binary workbook (.xlsb)" if BINARY_WORKBOOK_PART in self._sizes else "no workbook of Excel"
            raise DataFault(f"{file} is {binary}; save it as .xlsx", file=file)
        self._parts = self._sheet_parts()

    def unpacked_bytes(self, sheet: str) -> int:
        """The size of a sheet's XML with that of the texts that all sheets share."""
        return self._sizes.get(self._parts.get(sheet, ""), 0) + self._sizes.get("xl/sharedStrings.xml", 0)

    def content(self, sheet: str) -> SheetContent:
        """Pass through the XML of a sheet. Raises DataFault where it is damaged or longer than the archive says."""
        if sheet not in self._parts:
            raise DataFault(f"{self._file}: the part of the sheet {sheet!r} is missing; save the workbook again", file=self._file)
        reader = _SheetReader()
        self._parse(self._parts[sheet], reader.start, reader.end, reader.text)
        return reader.content

    def _sheet_parts(self) -> dict[str, str]:
        """The part of each sheet by the sheet's name."""
        targets: dict[str, str] = {}
        parts: dict[str, str] = {}

        def relationship(name: str, attributes: dict[str, str]) -> None:
            if _local(name) == "Relationship":
                targets[attributes.get("Id", "")] = attributes.get("Target", "")

        def sheet(name: str, attributes: dict[str, str]) -> None:
            if _local(name) == "sheet":
                key = next((value for key, value in attributes.items() if _local(key) == "id"), "")
                target = targets.get(key, "")
                parts[attributes.get("name", "")] = (
                    target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
                )

        self._parse("xl/_rels/workbook.xml.rels", relationship)
        self._parse(WORKBOOK_PART, sheet)
        return parts

    def _parse(
        self,
        part: str,
        start: StartElement,
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        try:
            for chunk in self._chunks(part):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
        except UNREADABLE as error:
            raise self._damaged(error) from error

    def _chunks(self, part: str) -> Iterator[bytes]:
        """The bytes of a part; zipfile stops at the size that the archive states and then finds the checksum wrong."""
        with self._archive.open(part) as stream:
            while chunk := stream.read(READ_BYTES):
                yield chunk

    def _refuse_doctype(self, *_: object) -> None:
        raise DataFault(
            f"{self._file}: its XML declares a document type, which no workbook does; it was not read", file=self._file
        )

    def _damaged(self, error: Exception) -> DataFault:
        return DataFault(f"{self._file} is a damaged workbook ({error}); save it again", file=self._file)


class _SheetReader:
    """Takes the events of a sheet's XML."""

    def __init__(self) -> None:
        self.content = SheetContent()
        self._row = 0
        self._column = 0
        self._row_has_content = False
        self._kind = ""
        self._in_value = self._has_value = self._has_formula = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match _local(name):
            case "c":
                self._kind, name = attributes.get("t", ""), attributes.get("r", "")
                self._column = _column_of(name) if name else self._column + 1
                self._has_value = self._has_formula = False
            case "v" | "t":
                self._in_value = True
            case "f":
                self._has_formula = True
            case "row":
                self._row = int(attributes.get("r", self._row + 1))
                self._column = 0
                self._row_has_content = False

    def text(self, data: str) -> None:
        if self._in_value and data:
            self._has_value = True

    def end(self, name: str) -> None:
        match _local(name):
            case "v" | "t":
                self._in_value = False
            case "c":
                self._close_cell()
            case "row":
                if self._row_has_content:
                    self.content.add_row(self._row)

    def _close_cell(self) -> None:
        content = self.content
        if self._has_formula and not self._has_value and self._kind != "str":
            content.unset_formulas += 1
            content.first_unset = content.first_unset or reference(self._row, self._column)
        if not self._has_value:
            return
        self._row_has_content = True
        content.add_cell(self._row, self._column, is_error=self._kind == "e", is_shared_text=self._kind == "s")


def _local(name: str) -> str:
    """A name without the prefix of its namespace."""
    return name.rpartition(":")[2]


def _column_of(reference: str) -> int:
    """The number of a column, from 1, in a reference such as ``AB12``."""
    number = 0
    for letter in reference:
        if not letter.isalpha():
            break
        number = number * 26 + ord(letter) - 64
    return number
