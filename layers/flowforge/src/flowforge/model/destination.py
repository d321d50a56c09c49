"""The three layers that a job writes, and how."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from flowforge.model.base import Document
from flowforge.model.gold import GoldConfig
from flowforge.model.layer import LayerConfig
from flowforge.model.names import RESERVED_NAMES


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


class SchemaEvolution(StrEnum):
    """What Bronze does with a file whose columns differ from the contract's, or from those of the run's other files.

    ``strict`` refuses it. ``add_new_columns`` and ``ignore_extra`` keep every column and fill with null what a file lacks;
    they differ in Silver, which takes up new columns or leaves them out.
    """

    STRICT = "strict"
    ADD_NEW_COLUMNS = "add_new_columns"
    IGNORE_EXTRA = "ignore_extra"


class BronzeConfig(LayerConfig):
    """Options of Bronze. Every run's files are kept, and the audit columns are always there."""

    schema_evolution: SchemaEvolution = SchemaEvolution.STRICT


class SilverConfig(LayerConfig):
    """Options of Silver. Where it is not ``enabled`` the job ends with Bronze."""

    enabled: bool = True
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


class DestinationConfig(Document):
    """The three layers of a job."""

    bronze_config: BronzeConfig = BronzeConfig()
    silver_config: SilverConfig = SilverConfig()
    gold_config: GoldConfig = GoldConfig()

    @model_validator(mode="after")
    def _layers_rest_on_those_below(self) -> Self:
        if self.gold_config.enabled and not self.silver_config.enabled:
            raise ValueError("silverConfig.enabled is false, and Gold is made of Silver: set goldConfig.enabled to false too")
        return self
