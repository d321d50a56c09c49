"""The layers of the lake, and what every one that a job writes has in common."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from flowforge.model.base import Document

TableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=127)]
"""A name that Athena takes without quotes; names beside it add ``_latest`` or ``_malformed``, and the catalog takes 255."""


class Layer(StrEnum):
    """Where rows are on their way. ``source``: the records of a run's files, as they were counted apart from the reader."""

    SOURCE = "source"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    QUARANTINE = "quarantine"


LAYERS_OF_TABLES = (Layer.BRONZE, Layer.SILVER, Layer.GOLD, Layer.QUARANTINE)
"""Each is a database of the catalog."""


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

    @property
    def level(self) -> int | None:
        """How hard the codec tries, None for the engine's choice.

        Zstandard's first level takes an eighth of the processor time off a conversion, for files that are 2 to 3 % larger.
        """
        return 1 if self is Compression.ZSTD else None


Codec = Literal["snappy", "gzip", "zstd", "uncompressed"]
CODECS: dict[Compression, Codec] = {
    Compression.SNAPPY: "snappy",
    Compression.GZIP: "gzip",
    Compression.ZSTD: "zstd",
    Compression.NONE: "uncompressed",
}


class LayerConfig(Document):
    """What every layer has: Parquet files and their codec, a table in the catalog, and how long it keeps what it holds.

    ``tableName``: the table, where it is not to be ``{workflow}_{job}``. ``retentionDays``: after how many days
    ``flowforge assets retention`` removes a dated file; None keeps them all.
    """

    compression: Compression = Compression.ZSTD
    table_name: TableName | None = None
    retention_days: Annotated[int, Field(ge=1)] | None = None
