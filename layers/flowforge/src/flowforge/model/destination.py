"""The three layers that a job writes, and how."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from flowforge.model.aggregate import Aggregate
from flowforge.model.base import Document
from flowforge.model.names import RESERVED_NAMES, RESERVED_PREFIX, Slug
from flowforge.model.unsupported_options import BRONZE, LAYER, LOAD_STRATEGIES, STORAGE_FORMATS, refuse_value, without_unsupported


class MergeStrategy(StrEnum):
    """How a run's rows become the Silver table.

    ``versioned``: they are the table, and earlier runs stay beside it. ``merge``: per key the row of the latest run.
    ``replace``: they take the place of all rows. ``append``: they come on top.
    """

    VERSIONED = "versioned"
    MERGE = "merge"
    REPLACE = "replace"
    APPEND = "append"

    @property
    def keeps_one_object(self) -> bool:
        """Whether the table is one object under a key without a date, which each run replaces."""
        return self in (MergeStrategy.MERGE, MergeStrategy.REPLACE)


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

    enabled: Literal[True] = True
    storage_format: Literal["parquet"] = "parquet"
    compression: Compression = Compression.ZSTD

    @model_validator(mode="before")
    @classmethod
    def _known_in_other_products(cls, value: object) -> object:
        refuse_value(value, "storageFormat", STORAGE_FORMATS)
        if isinstance(value, dict) and value.get("enabled", True) is False:
            raise ValueError("enabled cannot be false: each layer is made from the one before")
        return without_unsupported(value, LAYER)


class SchemaEvolution(StrEnum):
    """What Bronze does with a file whose columns differ from the contract's, or from those of the run's other files.

    ``strict`` refuses it. ``add_new_columns`` and ``ignore_extra`` keep every column and fill with null what a file lacks;
    they differ in Silver, which takes up new columns or leaves them out.
    """

    STRICT = "strict"
    ADD_NEW_COLUMNS = "add_new_columns"
    IGNORE_EXTRA = "ignore_extra"


class BronzeConfig(LayerConfig):
    """Options of Bronze. Every run's files are kept (``append``), and the audit columns are always there.

    ``audit_columns_batch_id`` asks for what ``_run_id`` is.
    """

    load_strategy: Literal["append"] = "append"
    audit_columns: Literal[True] = True
    audit_columns_batch_id: bool = False
    schema_evolution: SchemaEvolution = SchemaEvolution.STRICT

    @model_validator(mode="before")
    @classmethod
    def _known_but_unsupported(cls, value: object) -> object:
        refuse_value(value, "loadStrategy", LOAD_STRATEGIES)
        if isinstance(value, dict) and value.get("auditColumns", True) is False:
            raise ValueError("auditColumns cannot be switched off: merges decide by them which row is the latest")
        return without_unsupported(value, BRONZE)


class SilverConfig(LayerConfig):
    """Options of Silver."""

    primary_key: tuple[str, ...] = ()
    merge_strategy: MergeStrategy = MergeStrategy.VERSIONED
    surrogate_key_column: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "_sk_id"

    @property
    def removes_duplicates(self) -> bool:
        """Whether equal rows of a run are one row. An appended log without a key has no rows that are the same."""
        return bool(self.primary_key) or self.merge_strategy is not MergeStrategy.APPEND

    @field_validator("primary_key", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _merge_needs_a_key(self) -> Self:
        if self.merge_strategy is MergeStrategy.MERGE and not self.primary_key:
            raise ValueError("mergeStrategy 'merge' needs a primaryKey")
        if len(set(self.primary_key)) != len(self.primary_key):
            raise ValueError(f"primaryKey names a column twice: {', '.join(self.primary_key)}")
        if self.surrogate_key_column in RESERVED_NAMES:
            raise ValueError(f"surrogateKeyColumn {self.surrogate_key_column!r} is a name of the product's own")
        return self


class GoldConfig(LayerConfig):
    """Options of Gold: a copy of Silver, or an aggregation by columns."""

    domain: Slug = "analytics"
    dataset: Slug | None = None
    aggregation_enabled: bool = False
    aggregation_group_by: tuple[str, ...] = ()
    aggregates: dict[str, str] = Field(default_factory=dict)

    @property
    def parsed_aggregates(self) -> dict[str, Aggregate]:
        """Output name to aggregate, in the order of the configuration."""
        return {name: Aggregate.parse(text) for name, text in self.aggregates.items()}

    @model_validator(mode="after")
    def _aggregation_is_whole(self) -> Self:
        parsed = self.parsed_aggregates
        if self.aggregation_enabled != bool(self.aggregation_group_by or parsed):
            raise ValueError("aggregationEnabled goes with aggregationGroupBy or aggregates, and they with it")
        if len(set(self.aggregation_group_by)) != len(self.aggregation_group_by):
            raise ValueError(f"aggregationGroupBy names a column twice: {', '.join(self.aggregation_group_by)}")
        both = sorted(set(parsed) & set(self.aggregation_group_by))
        if both:
            raise ValueError(f"aggregates: {', '.join(both)} is also a column of aggregationGroupBy")
        reserved = sorted(name for name in parsed if name.startswith(RESERVED_PREFIX))
        if reserved:
            raise ValueError(f"aggregates: {', '.join(reserved)}: names that start with '_' belong to the product")
        return self


class DestinationConfig(Document):
    """The three layers of a job."""

    bronze_config: BronzeConfig = BronzeConfig()
    silver_config: SilverConfig = SilverConfig()
    gold_config: GoldConfig = GoldConfig()
