"""How a file is compressed, told by its first bytes and never by its name."""

from enum import StrEnum


class CompressionType(StrEnum):
    """The compressions that a source may have."""

    NONE = "none"
    GZIP = "gzip"
    ZIP = "zip"
    ZSTD = "zstd"


EXTENSIONS = (".gz", ".zip", ".zst", ".zstd")
ZIP_MAGIC = b"PK\x03\x04"
SIGNATURES = (
    (b"\x1f\x8b\x08", CompressionType.GZIP),  # RFC 1952, 2.3.1: ID1, ID2 and the only method there is
    (ZIP_MAGIC, CompressionType.ZIP),  # APPNOTE.TXT 6.3.10, 4.3.7
    (b"PK\x05\x06", CompressionType.ZIP),  # 4.3.16: an archive without a file
    (b"\x28\xb5\x2f\xfd", CompressionType.ZSTD),  # RFC 8878, 3.1.1
)


def compression_of(head: bytes) -> CompressionType:
    """The compression of a file that begins like this. A workbook is a zip archive too (``source_format`` tells it apart)."""
    return next((found for signature, found in SIGNATURES if head.startswith(signature)), CompressionType.NONE)


def unpacked_name(name: str) -> str:
    """What a file is called once it is unpacked: ``orders.csv.gz`` is ``orders.csv``."""
    lower = name.lower()
    ending = next((extension for extension in EXTENSIONS if lower.endswith(extension)), "")
    return name[: len(name) - len(ending)]
