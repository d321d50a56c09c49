"""The three layers that a job writes, and how."""

from typing import Literal, Self

from pydantic import Field, model_validator

from flowforge.model.aggregate import Aggregate
from flowforge.model.base import Document
from flowforge.model.names import RESERVED_PREFIX, Slug
from flowforge.model.silver_config import SilverConfig


class BronzeConfig(Document):
    """Options of Bronze. The files of a run must carry the columns of the contract, in any order."""

    schema_evolution: Literal["strict"] = "strict"


class GoldConfig(Document):
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
