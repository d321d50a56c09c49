"""The data files of a zip archive, in the order of their names."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from flowforge.medallion.expansion import Expansion
from flowforge.medallion.file_stream import CHUNK_BYTES
from flowforge.model.errors import DataFault

MAX_MEMBERS = 1000
MAX_READ_BYTES = 16 << 20
"""The directory is read at once: one of 16 MiB names more than a hundred thousand files."""
NO_DATA = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})
"""What file managers put beside the files of a person."""
ENCRYPTED = 1
"""Bit 0 of the flags (APPNOTE.TXT 6.3.10, 4.4.4)."""
OFFICE_PART = "[Content_Types].xml"
"""Every Office document is a zip archive with this part (ECMA-376-2, 10.1.2.2)."""


class ZipArchive:
    """An archive on disk. What its members unpack to is held together against the size of the archive.

    The directory states the size of each member, and the reader gives no byte more than that, so the limits hold before
    anything is unpacked.
    """

    def __init__(self, path: Path, *, file: str) -> None:
        self._path = path
        self._file = file

    @property
    def is_office_document(self) -> bool:
        """Whether its files are the parts of one document, such as a workbook. Raises DataFault where it is damaged."""
        with self._opened() as archive:
            return any(member.filename == OFFICE_PART for member in archive.infolist())

    def members(self) -> list[zipfile.ZipInfo]:
        """Its data files by name: neither folders nor what file managers add.

        Raises DataFault where the archive is damaged, encrypted, grows beyond the limits, or has no data file or too many.
        """
        with self._opened() as archive:
            found = archive.infolist()
        data = sorted(
            (member for member in found if _is_data(member)), key=lambda member: (member.filename, member.header_offset)
        )
        if not data:
            raise self._fault("holds no file; zip the data files and upload the archive again")
        if len(data) > MAX_MEMBERS:
            raise self._fault(f"holds {len(data):,} files, and {MAX_MEMBERS:,} are the most of one archive; deliver several")
        locked = next((member for member in data if member.flag_bits & ENCRYPTED), None)
        if locked is not None:
            raise self._fault(f"needs a password for {locked.filename}; create it without one")
        Expansion(self._file, self._path.stat().st_size, sum(member.file_size for member in data)).check()
        return data

    def chunks(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        """The content of a member. Raises DataFault where it is damaged or compressed by an unknown method."""
        try:
            with self._opened() as archive, archive.open(member) as content:
                while chunk := content.read(CHUNK_BYTES):
                    yield chunk
        except NotImplementedError as error:
            raise self._fault(f"holds {member.filename} compressed in a way that is not supported: {error}") from error
        except _DAMAGES as error:
            raise self._fault(f"is damaged at {member.filename}: {error}; create and upload it again") from error

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        with _Bounded(self._path, self._file) as file:
            try:
                archive = zipfile.ZipFile(file)
            except _DAMAGES as error:
                raise self._fault(f"is no whole zip archive: {error}; upload it again") from error
            with archive:
                yield archive

    def _fault(self, what: str) -> DataFault:
        return DataFault(f"{self._file} {what}", file=self._file)


_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, UnicodeDecodeError, ValueError, RuntimeError)


class _Bounded(io.FileIO):
    """A file that gives no more at once than an honest archive asks for."""

    def __init__(self, path: Path, file: str) -> None:
        super().__init__(path)
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        """Read; raises DataFault for a directory that is larger than any honest one."""
        if size is None or size > MAX_READ_BYTES:
            raise DataFault(
                f"{self._file} has a directory of {size or 0:,} bytes, which no archive of data files has", file=self._file
            )
        return super().read(size) or b""


def _is_data(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(member.filename).parts
    return not member.is_dir() and not any(part in NO_DATA or part.startswith(".") for part in parts)
