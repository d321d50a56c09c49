"""What a stored file holds once it is unpacked: itself, or the data files of an archive."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flowforge.medallion.decompression import decompressed
from flowforge.medallion.file_stream import OpenStream, first_bytes
from flowforge.medallion.scratch_file import write_scratch
from flowforge.medallion.zip_archive import ZipArchive
from flowforge.model.compression import CompressionType, compression_of
from flowforge.model.errors import DataFault

SIGNATURE_BYTES = 16


@dataclass(frozen=True)
class FileContent:
    """One file to read. ``name`` is the stored file's, with that of the member behind it where an archive holds several."""

    name: str
    open_stream: OpenStream
    compression: CompressionType

    @property
    def is_stored_as_it_is(self) -> bool:
        """Whether the stored object is what the stream gives."""
        return self.compression is CompressionType.NONE


def contents_of(open_stream: OpenStream, *, file: str, declared: CompressionType | None, scratch: Path) -> list[FileContent]:
    """The files that a stored file holds, in their order; a zip archive is copied to ``scratch`` first.

    Raises DataFault where the content is compressed in another way than ``declared``, for an archive that cannot be read,
    and for one within another.
    """
    compression = compression_of(first_bytes(open_stream(), SIGNATURE_BYTES))
    if declared is not None and declared is not compression:
        raise DataFault(
            f"{file} is {_told(compression)} by its content, and compressionType is {declared.value!r}; leave the option out, or "
            "upload what it says",
            file=file,
        )
    if compression is CompressionType.NONE:
        return [FileContent(file, open_stream, compression)]
    if compression is CompressionType.ZIP:
        contents = _members(open_stream, file=file, scratch=scratch)
    else:
        contents = [FileContent(file, lambda: decompressed(open_stream(), compression, file=file), compression)]
    for content in contents:
        within = compression_of(first_bytes(content.open_stream(), SIGNATURE_BYTES))
        if within is not CompressionType.NONE:
            raise DataFault(f"{content.name} is {_told(within)} within {_told(compression)}; unpack it once", file=file)
    return contents


def _members(open_stream: OpenStream, *, file: str, scratch: Path) -> list[FileContent]:
    path = scratch / "archive.zip"
    write_scratch(path, open_stream())
    archive = ZipArchive(path, file=file)
    members = archive.members()
    several = len(members) > 1
    return [
        FileContent(f"{file}/{member.filename}" if several else file, partial(archive.chunks, member), CompressionType.ZIP)
        for member in members
    ]


def _told(compression: CompressionType) -> str:
    return "not compressed" if compression is CompressionType.NONE else f"a {compression.value} file"
