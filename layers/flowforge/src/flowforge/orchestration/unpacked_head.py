"""The start of a file once it is unpacked, and how much its compression makes of a byte."""

import struct
import sys
import zlib
from dataclasses import dataclass

from flowforge.model.compression import CompressionType, unpacked_name
from flowforge.model.source_format import file_compression

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ASSUMED_RATIO = 5.0
"""Where the head cannot be unpacked; tables of text shrink to a third or a tenth."""
MAX_HEAD_BYTES = 1 << 20
"""What the head of a compressed file may unpack to."""
ZIP_HEADER = struct.Struct("<4s5H3L2H")
"""The local file header (APPNOTE.TXT 6.3.10, 4.3.7): the method is its fourth field, the lengths of name and extra the last."""
DEFLATED = 8
ZSTD_PIECE_BYTES = 1 << 10
GZIP_WINDOW_BITS, RAW_WINDOW_BITS = 31, -15


@dataclass(frozen=True)
class UnpackedHead:
    """``name`` is what the content is called, in an archive its first file; one stored byte becomes ``ratio`` bytes of it."""

    name: str
    content: bytes
    compression: CompressionType
    ratio: float

    def unpacked_bytes(self, size_bytes: int) -> int:
        """About what the whole file of that size unpacks to."""
        return round(size_bytes * self.ratio)

    def archive_bytes(self, size_bytes: int) -> int:
        """What the whole file takes of ``/tmp`` before anything of it is unpacked."""
        return size_bytes if self.compression is CompressionType.ZIP else 0


def unpacked_head(head: bytes, name: str) -> UnpackedHead:
    """Unpack the start of a file as far as it goes."""
    compression = file_compression(head)
    if compression is CompressionType.NONE:
        return UnpackedHead(name, head, compression, 1.0)
    inner = unpacked_name(name)
    try:
        if compression is CompressionType.ZSTD:
            return UnpackedHead(inner, *_measured(*_unpack_zstd(head), compression))
        if compression is CompressionType.GZIP:
            return UnpackedHead(inner, *_measured(*_unpack_deflate(head, GZIP_WINDOW_BITS), compression))
        fields = ZIP_HEADER.unpack_from(head)
        method, name_ends = fields[3], ZIP_HEADER.size + fields[-2]
        inner = head[ZIP_HEADER.size : name_ends].decode(errors="replace")
        content = head[name_ends + fields[-1] :]
        if method != DEFLATED:
            return UnpackedHead(inner, content, compression, 1.0)
        return UnpackedHead(inner, *_measured(*_unpack_deflate(content, RAW_WINDOW_BITS), compression))
    except (zlib.error, zstd.ZstdError, struct.error, EOFError):
        # Bronze says what is wrong with it.
        return UnpackedHead(inner, b"", compression, ASSUMED_RATIO)


def _unpack_deflate(stored: bytes, window_bits: int) -> tuple[bytes, int]:
    unpacker = zlib.decompressobj(window_bits)
    text = unpacker.decompress(stored, MAX_HEAD_BYTES)
    return text, len(stored) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)


def _unpack_zstd(stored: bytes) -> tuple[bytes, int]:
    unpacker, text, taken, unpacked_until = zstd.ZstdDecompressor(), b"", 0, 0
    # It gives out whole blocks only, so what it has taken of the last one, which is cut off, does not count.
    while taken < len(stored) and len(text) < MAX_HEAD_BYTES and not unpacker.eof:
        piece = stored[taken : taken + ZSTD_PIECE_BYTES]
        taken += len(piece)
        content = unpacker.decompress(piece, MAX_HEAD_BYTES - len(text))
        if content:
            text, unpacked_until = text + content, taken
    return text, unpacked_until


def _measured(content: bytes, taken: int, compression: CompressionType) -> tuple[bytes, CompressionType, float]:
    return content, compression, len(content) / taken if content and taken else ASSUMED_RATIO
