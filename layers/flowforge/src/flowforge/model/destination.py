"""The three layers that a job writes, and how."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from flowforge.model.aggregate import Aggregate
from flowforge.model.base import Document
from flowforge.model.names import RESERVED_NAMES, RESERVED_PREFIX, Slug
from flowforge.model.table_options import TableOptions


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


class BronzeConfig(TableOptions):
    """Options of Bronze. The files of a run must carry the columns of the contract, in any order."""

    schema_evolution: Literal["strict"] = "strict"


class SilverConfig(TableOptions):
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


class GoldConfig(TableOptions):
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
