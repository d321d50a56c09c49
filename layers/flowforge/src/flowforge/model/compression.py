"""How a file is compressed, told by its first bytes and never by its name."""

from enum import StrEnum


class CompressionType(StrEnum):
    """The compressions that a source may have."""

    NONE = "none"
    GZIP = "gzip"
    ZIP = "zip"
    ZSTD = "zstd"


SIGNATURES = (
    (b"\x1f\x8b\x08", CompressionType.GZIP),  # RFC 1952, 2.3.1: ID1, ID2 and the only method there is
    (b"PK\x03\x04", CompressionType.ZIP),  # APPNOTE.TXT 6.3.10, 4.3.7
    (b"PK\x05\x06", CompressionType.ZIP),  # 4.3.16: an archive without a file
    (b"\x28\xb5\x2f\xfd", CompressionType.ZSTD),  # RFC 8878, 3.1.1
)


def compression_of(head: bytes) -> CompressionType:
    """The compression of a file that begins like this."""
    return next((found for signature, found in SIGNATURES if head.startswith(signature)), CompressionType.NONE)
