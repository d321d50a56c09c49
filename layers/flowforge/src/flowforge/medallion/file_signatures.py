"""Files that are no text, whatever their names say."""

from flowforge.medallion.text_decoding import NO_TEXT
from flowforge.model.errors import DataFault

SIGNATURES = (
    (b"ORC", 0, "an ORC file"),
    (b"Obj\x01", 0, "an Avro file"),
    (b"ARROW1\0\0", 0, "an Arrow file"),
    (b"%PDF-", 0, "a PDF document"),
    (b"SQLite format 3\0", 0, "a SQLite database"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7-Zip archive"),
    (b"Rar!\x1a\x07", 0, "a RAR archive"),
    (b"\x04\x22\x4d\x18", 0, "an LZ4 file"),
    (b"ustar", 257, "a tar archive"),
)
"""What stands at which place of a file of a format that is not read at all, from the formats' own specifications."""
LOOKED_AT_BYTES = 4096


def refuse_other_formats(head: bytes, *, file: str) -> None:
    """Raise DataFault where a file that should be text begins as one of another format does.

    A header may begin with the letters of a signature, but holds no control characters.
    """
    if not NO_TEXT.search(head, 0, LOOKED_AT_BYTES):
        return
    for signature, place, what in SIGNATURES:
        if head.startswith(signature, place):
            raise DataFault(
                f"{file} is {what} by its content, and no delimited text; deliver text, plain or as gzip, zip or zstd",
                file=file,
            )
