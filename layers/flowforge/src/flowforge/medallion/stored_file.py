"""A file that Bronze reads, and the ways to its bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flowforge.medallion.file_stream import OpenStream
from flowforge.model.compression import CompressionType

ReadRange = Callable[[int, int], bytes]
"""Reads bytes of the file: from where, and how many."""


@dataclass(frozen=True, kw_only=True)
class FileContent:
    """One file to read, as a stream.

    ``name`` is the stored file's, with that of the member behind it where an archive holds several; ``content_name`` is what the
    content itself is called. ``in_scratch`` tells that the stream comes from scratch space, and ``memory_bytes`` what a reader
    may take to hold it.
    """

    name: str
    content_name: str
    open_stream: OpenStream
    compression: CompressionType = CompressionType.NONE
    in_scratch: bool = False
    memory_bytes: int | None = None

    @property
    def is_stored_as_it_is(self) -> bool:
        """Whether the stored object is what the stream gives."""
        return self.compression is CompressionType.NONE


@dataclass(frozen=True, kw_only=True)
class StoredFile(FileContent):
    """A file that lies somewhere as it is, so that the engine can open it at ``uri`` and its parts can be read alone."""

    size_bytes: int
    uri: str
    read_range: ReadRange
    storage_options: Mapping[str, str | int] | None = None
