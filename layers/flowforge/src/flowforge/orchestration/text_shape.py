"""What the head of a text file shows of all of it: its size once unpacked, the width of a row, the columns: estimates."""

import struct
import sys
import zlib
from dataclasses import dataclass

from flowforge.model.compression import CompressionType, compression_of
from flowforge.model.encoding import UTF_8, encoding_of_mark
from flowforge.model.plan import DEFAULT_ROW_BYTES
from flowforge.model.text_options import TextOptions

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ASSUMED_RATIO = 5.0
"""Where the head cannot be unpacked; tables of text shrink to a third or a tenth."""
MAX_HEAD_BYTES = 1 << 20
"""What the head of a compressed file may unpack to."""
DELIMITERS = (",", ";", "\t", "|")
ZIP_HEADER = struct.Struct("<4s5H3L2H")
"""The local file header (APPNOTE.TXT 6.3.10, 4.3.7): the method is its fourth field, the lengths of name and extra the last."""
DEFLATED = 8
ZSTD_PIECE_BYTES = 1 << 10
GZIP_WINDOW_BITS, RAW_WINDOW_BITS = 31, -15


@dataclass(frozen=True)
class TextShape:
    """The estimated bytes of a file as UTF-8 text, what its copies take of ``/tmp``, the bytes of a row, and the columns."""

    text_bytes: int
    scratch_bytes: int
    row_bytes: float
    columns: int


def text_shape(head: bytes, size_bytes: int, options: TextOptions) -> TextShape:
    """The shape of a file of ``size_bytes`` that begins with ``head``."""
    compression = compression_of(head)
    start, ratio = _unpacked(head, compression)
    encoding = options.encoding or (encoding_of_mark(start) or (UTF_8, b""))[0]
    text = start.decode(encoding, errors="replace").removeprefix("\ufeff")
    if encoding != UTF_8 and start:
        ratio *= len(text.encode()) / len(start)
    text_bytes = round(size_bytes * ratio)
    is_copied = compression is not CompressionType.NONE or encoding != UTF_8 or _goes_by_records(options)
    archive_bytes = size_bytes if compression is CompressionType.ZIP else 0
    row_bytes, columns = _row_shape(text, options)
    return TextShape(text_bytes, (text_bytes if is_copied else 0) + archive_bytes, row_bytes, columns)


def _goes_by_records(options: TextOptions) -> bool:
    """Whether Bronze writes every file of the job anew, since the engine does not take it as it stands."""
    signs = (options.delimiter or ",") + options.quote_character
    is_plain = len(options.delimiter or ",") == 1 and signs.isascii() and options.escape is None
    return not is_plain or options.comment_prefix is not None or options.skip_footer_rows > 0


def _unpacked(head: bytes, compression: CompressionType) -> tuple[bytes, float]:
    """The unpacked start of a file, and how many bytes one stored byte becomes."""
    if compression is CompressionType.NONE:
        return head, 1.0
    try:
        if compression is CompressionType.ZSTD:
            return _measured(*_unpack_zstd(head))
        if compression is CompressionType.ZIP:
            fields = ZIP_HEADER.unpack_from(head)
            method, content = fields[3], head[ZIP_HEADER.size + fields[-2] + fields[-1] :]
            if method != DEFLATED:
                return content, 1.0
            return _measured(*_unpack_deflate(content, RAW_WINDOW_BITS))
        return _measured(*_unpack_deflate(head, GZIP_WINDOW_BITS))
    except (zlib.error, zstd.ZstdError, struct.error, EOFError):
        # Bronze says what is wrong with it.
        return b"", ASSUMED_RATIO


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


def _measured(text: bytes, taken: int) -> tuple[bytes, float]:
    return text, len(text) / taken if text and taken else ASSUMED_RATIO


def _row_shape(text: str, options: TextOptions) -> tuple[float, int]:
    """The width of a row in bytes and the number of columns."""
    lines = text.splitlines()[options.skip_rows :]
    if not lines:
        return DEFAULT_ROW_BYTES, 1
    signs = (options.delimiter,) if options.delimiter else DELIMITERS
    columns = max(lines[0].count(sign) for sign in signs) + 1
    # The last line may be cut off, and the first one is the header.
    whole = lines[1:-1] or lines[1:]
    return (sum(len(line.encode()) + 1 for line in whole) / len(whole) if whole else DEFAULT_ROW_BYTES), columns
