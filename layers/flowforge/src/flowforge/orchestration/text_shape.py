"""What the head of a text file shows of all of it: its size once unpacked, the width of a row, the columns: estimates."""

from dataclasses import dataclass

from flowforge.model.compression import CompressionType
from flowforge.model.encoding import UTF_8, encoding_of_mark
from flowforge.model.plan import DEFAULT_ROW_BYTES
from flowforge.model.text_options import TextOptions
from flowforge.orchestration.unpacked_head import UnpackedHead

DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class TextShape:
    """The estimated bytes of a file as UTF-8 text, what its copies take of ``/tmp``, the bytes of a row, and the columns."""

    text_bytes: int
    scratch_bytes: int
    row_bytes: float
    columns: int


def text_shape(head: UnpackedHead, size_bytes: int, options: TextOptions) -> TextShape:
    """The shape of a file of ``size_bytes`` that begins with ``head``."""
    start = head.content
    encoding = options.encoding or (encoding_of_mark(start) or (UTF_8, b""))[0]
    text = start.decode(encoding, errors="replace").removeprefix("\ufeff")
    text_bytes = head.unpacked_bytes(size_bytes)
    if encoding != UTF_8 and start:
        text_bytes = round(text_bytes * len(text.encode()) / len(start))
    is_copied = head.compression is not CompressionType.NONE or encoding != UTF_8 or _goes_by_records(options)
    row_bytes, columns = _row_shape(text, options)
    return TextShape(text_bytes, (text_bytes if is_copied else 0) + head.archive_bytes(size_bytes), row_bytes, columns)


def _goes_by_records(options: TextOptions) -> bool:
    """Whether Bronze writes every file of the job anew, since the engine does not take it as it stands."""
    signs = (options.delimiter or ",") + options.quote_character
    is_plain = len(options.delimiter or ",") == 1 and signs.isascii() and options.escape is None
    return not is_plain or options.comment_prefix is not None or options.skip_footer_rows > 0


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
