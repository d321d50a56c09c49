"""What every layer that a job writes has in common."""

from enum import StrEnum
from typing import Literal

from flowforge.model.base import Document


class Compression(StrEnum):
    """The codec of a layer's Parquet files."""

    SNAPPY = "snappy"
    GZIP = "gzip"
    ZSTD = "zstd"
    NONE = "none"

    @property
    def codec(self) -> "Codec":
        """The engine's word for it."""
        return CODECS[self]


Codec = Literal["snappy", "gzip", "zstd", "uncompressed"]
CODECS: dict[Compression, Codec] = {
    Compression.SNAPPY: "snappy",
    Compression.GZIP: "gzip",
    Compression.ZSTD: "zstd",
    Compression.NONE: "uncompressed",
}


class LayerConfig(Document):
    """What every layer has: Parquet files, and their codec."""

    compression: Compression = Compression.ZSTD
