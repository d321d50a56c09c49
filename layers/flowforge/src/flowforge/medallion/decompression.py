"""gzip and zstd, unpacked as streams: memory holds a chunk and the window, whatever a file claims to hold."""

import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from flowforge.medallion.expansion import Expansion
from flowforge.medallion.file_stream import CHUNK_BYTES
from flowforge.model.compression import CompressionType
from flowforge.model.errors import DataFault

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP_WINDOW_BITS = 31
"""zlib's way to say: a gzip header and trailer, with the checksum compared."""
ZSTD_WINDOW_LOG_MAX = 27
"""128 MiB, what the zstd command accepts too unless told otherwise."""


def decompressed(stream: Iterable[bytes], compression: CompressionType, *, file: str) -> Iterator[bytes]:
    """The content of a gzip or zstd file, members and frames one after the other, in chunks of at most 4 MiB.

    Raises DataFault where the file is damaged, ends too early, or grows beyond the limits of ``expansion``.
    """
    member = _GzipMember if compression is CompressionType.GZIP else _ZstdFrame
    expansion = Expansion(file)
    current: _Member | None = None
    for stored in stream:
        expansion.taken_bytes += len(stored)
        # Rests of members are padded with zeros by tape and block devices (gzip 1.14 manual, "Using gzip on tapes").
        rest = stored if current else stored.lstrip(b"\0")
        while rest or (current is not None and current.has_more):
            current = current or member()
            try:
                content = current.unpack(rest)
            except (zlib.error, zstd.ZstdError) as error:
                raise DataFault(f"{file} is damaged: {error}; create and upload it again", file=file) from error
            expansion.given_bytes += len(content)
            expansion.check()
            if content:
                yield content
            rest = b""
            if current.ended:
                rest, current = current.unused, None
                rest = rest.lstrip(b"\0")
    if current is not None:
        raise DataFault(f"{file} ends in the middle of its {compression.value} data; upload it again", file=file)


class _Member(Protocol):
    """One gzip member or zstd frame."""

    @property
    def ended(self) -> bool: ...

    @property
    def unused(self) -> bytes: ...

    @property
    def has_more(self) -> bool: ...

    def unpack(self, stored: bytes) -> bytes: ...


class _GzipMember:
    """One member of a gzip file (RFC 1952, 2.2)."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(GZIP_WINDOW_BITS)
        self.has_more = False

    @property
    def ended(self) -> bool:
        """Whether its last byte was read and its checksum is right."""
        return self._unpacker.eof

    @property
    def unused(self) -> bytes:
        """What follows it."""
        return self._unpacker.unused_data

    def unpack(self, stored: bytes) -> bytes:
        """The next content, a chunk at the most; what was not taken is kept."""
        content = self._unpacker.decompress(self._unpacker.unconsumed_tail + stored, CHUNK_BYTES)
        # A full chunk may have left output inside zlib without input outside of it.
        self.has_more = not self.ended and (bool(self._unpacker.unconsumed_tail) or len(content) == CHUNK_BYTES)
        return content


class _ZstdFrame:
    """One frame of a zstd file (RFC 8878, 3.1)."""

    def __init__(self) -> None:
        self._unpacker = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG_MAX})

    @property
    def ended(self) -> bool:
        """Whether its last byte was read."""
        return self._unpacker.eof

    @property
    def has_more(self) -> bool:
        """Whether there is content without further input."""
        return not self.ended and not self._unpacker.needs_input

    @property
    def unused(self) -> bytes:
        """What follows it."""
        return self._unpacker.unused_data

    def unpack(self, stored: bytes) -> bytes:
        """The next content, a chunk at the most; what was not taken is kept."""
        return self._unpacker.decompress(stored, CHUNK_BYTES)
