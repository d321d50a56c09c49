"""A job: one source read into Bronze, then Silver, then Gold. Field names are those that users of FlowForge know.

What this version does not do is not in these models, so it is refused when a workflow is read, with the field's name.
"""

from typing import Annotated

from pydantic import Field, model_validator

from flowforge.model.base import Document
from flowforge.model.destination import DestinationConfig
from flowforge.model.names import Identifier, Slug, with_slug
from flowforge.model.source import SourceConfig
from flowforge.model.tier import PinnedTier
from flowforge.model.transformation import TransformationConfig
from flowforge.model.validation import ValidationConfig


class Job(Document):
    """One source and its three datasets. Jobs of the same order run together, a higher order waits for the lower."""

    id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=200)]
    slug: Slug
    description: str = ""
    order: Annotated[int, Field(ge=1)] = 1
    tier: PinnedTier = PinnedTier.AUTO
    source_config: SourceConfig = SourceConfig()
    transformation_config: TransformationConfig = TransformationConfig()
    validation_config: ValidationConfig = ValidationConfig()
    destination_config: DestinationConfig = DestinationConfig()

    @model_validator(mode="before")
    @classmethod
    def _slug_follows_from_the_name(cls, value: object) -> object:
        return with_slug(value)

    @property
    def dataset(self) -> str:
        """The Gold dataset's name."""
        return self.destination_config.gold_config.dataset or self.slug
