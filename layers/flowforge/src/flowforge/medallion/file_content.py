"""What a stored file holds once it is unpacked: itself, or the data files of an archive."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from flowforge.medallion.decompression import decompressed
from flowforge.medallion.file_stream import chunks_of, first_bytes
from flowforge.medallion.scratch_file import write_scratch
from flowforge.medallion.stored_file import FileContent, StoredFile
from flowforge.medallion.zip_archive import ZipArchive
from flowforge.model.compression import CompressionType, unpacked_name
from flowforge.model.errors import DataFault
from flowforge.model.source_format import HEAD_BYTES, file_compression


def contents_of(stored: StoredFile, *, declared: CompressionType | None, scratch: Path) -> list[FileContent]:
    """The files that a stored file holds, in their order; a zip archive is copied to ``scratch`` first.

    Raises DataFault where the content is compressed in another way than ``declared``, for an archive that cannot be read,
    and for one within another.
    """
    file = stored.name
    compression = file_compression(first_bytes(stored.open_stream(), HEAD_BYTES))
    contents: list[FileContent] = [stored]
    if compression is CompressionType.ZIP:
        contents = _members(stored, scratch)
        compression = contents[0].compression
    elif compression is not CompressionType.NONE:
        contents = [
            FileContent(
                name=file,
                content_name=unpacked_name(file),
                open_stream=lambda: decompressed(stored.open_stream(), compression, file=file),
                compression=compression,
                memory_bytes=stored.memory_bytes,
            )
        ]
    if declared is not None and declared is not compression:
        raise DataFault(
            f"{file} is {_told(compression)} by its content, and compressionType is {declared.value!r}; leave the option out, or "
            "upload what it says",
            file=file,
        )
    for content in contents if compression is not CompressionType.NONE else []:
        within = file_compression(first_bytes(content.open_stream(), HEAD_BYTES))
        if within is not CompressionType.NONE:
            raise DataFault(f"{content.name} is {_told(within)} within {_told(compression)}; unpack it once", file=file)
    return contents


def unpacked(content: FileContent, scratch: Path) -> StoredFile:
    """The content as a file that lies there as it is: a copy in the folder ``scratch`` where it has to be unpacked.

    Raises NextTier where the disk has no room for it.
    """
    if isinstance(content, StoredFile):
        return content
    path = scratch / "unpacked"
    write_scratch(path, content.open_stream())
    return StoredFile(
        name=content.name,
        content_name=content.content_name,
        open_stream=partial(_chunks, path),
        in_scratch=True,
        memory_bytes=content.memory_bytes,
        size_bytes=path.stat().st_size,
        uri=str(path),
        read_range=partial(_range, path),
    )


def _members(stored: StoredFile, scratch: Path) -> list[FileContent]:
    """The data files of an archive; the file itself where its directory shows that it is an Office document."""
    path = scratch / "archive.zip"
    write_scratch(path, stored.open_stream())
    archive = ZipArchive(path, file=stored.name)
    if archive.is_office_document:
        path.unlink()
        return [stored]
    members = archive.members()
    several = len(members) > 1
    return [
        FileContent(
            name=f"{stored.name}/{member.filename}" if several else stored.name,
            content_name=member.filename,
            open_stream=partial(archive.chunks, member),
            compression=CompressionType.ZIP,
            in_scratch=True,
            memory_bytes=stored.memory_bytes,
        )
        for member in members
    ]


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from chunks_of(file)


def _range(path: Path, start: int, count: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(count)


def _told(compression: CompressionType) -> str:
    return "not compressed" if compression is CompressionType.NONE else f"a {compression.value} file"
