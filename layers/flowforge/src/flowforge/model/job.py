"""A job: one source read into Bronze, then Silver, then Gold; or SQL over Silver tables of other jobs.

Field names are those that users of FlowForge know.

What this version does not do is not in these models, so it is refused when a workflow is read, with the field's name.
"""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from flowforge.model.base import Document
from flowforge.model.destination import BronzeConfig, DestinationConfig
from flowforge.model.gold import BuildStrategy
from flowforge.model.layer import Layer
from flowforge.model.names import Identifier, Slug, with_slug
from flowforge.model.silver_config import MergeStrategy, SilverConfig
from flowforge.model.source import SourceConfig
from flowforge.model.step import Step
from flowforge.model.tier import PinnedTier
from flowforge.model.transformation import TransformationConfig
from flowforge.model.validation import ValidationConfig


class JobType(StrEnum):
    """What a job reads: files, or Silver tables by SQL."""

    FILE_BASED = "file-based"
    GOLD_ANALYTICS = "gold-analytics"


class Job(Document):
    """One source and its three datasets. Jobs of the same order run together, a higher order waits for the lower.

    A job of type gold-analytics has one dataset, Gold, and reads the tables that its SQL names.
    """

    id: Identifier
    name: Annotated[str, Field(min_length=1, max_length=200)]
    slug: Slug
    description: str = ""
    type: JobType = JobType.FILE_BASED
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

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that a run of the job takes, in their order."""
        if self.type is JobType.GOLD_ANALYTICS:
            return (Step.GOLD_PUBLISH,)
        destination = self.destination_config
        wanted = {Step.SILVER_TRANSFORM: destination.silver_config.enabled, Step.GOLD_PUBLISH: destination.gold_config.enabled}
        return tuple(step for step in Step if wanted.get(step, True))

    @model_validator(mode="after")
    def _sql_reads_tables_alone(self) -> Self:
        gold = self.destination_config.gold_config
        if self.type is not JobType.GOLD_ANALYTICS:
            if gold.sql is not None:
                raise ValueError("destinationConfig.goldConfig.sql: only a job of type gold-analytics runs SQL")
            return self
        if gold.sql is None or not gold.enabled:
            raise ValueError("a job of type gold-analytics makes Gold alone: state destinationConfig.goldConfig.sql and tables")
        filled = [
            name
            for name, present, empty in (
                ("sourceConfig", self.source_config, SourceConfig()),
                ("transformationConfig", self.transformation_config, TransformationConfig()),
                ("validationConfig.dataQualityRules", self.validation_config.data_quality_rules, ()),
                ("validationConfig.maxErrors", self.validation_config.max_errors, None),
                ("validationConfig.maxErrorRate", self.validation_config.max_error_rate, None),
                ("destinationConfig.bronzeConfig", self.destination_config.bronze_config, BronzeConfig()),
                ("destinationConfig.silverConfig", self.destination_config.silver_config, SilverConfig()),
            )
            if present != empty
        ]
        if filled:
            raise ValueError(
                f"a job of type gold-analytics reads no files and has no Bronze and Silver: leave {', '.join(filled)} out"
            )
        return self

    @model_validator(mode="after")
    def _increments_come_on_top(self) -> Self:
        destination = self.destination_config
        strategy = destination.silver_config.merge_strategy
        if destination.gold_config.build_strategy is BuildStrategy.INCREMENTAL and strategy is not MergeStrategy.APPEND:
            raise ValueError(
                f"goldConfig.buildStrategy 'incremental' needs silverConfig.mergeStrategy 'append': with {strategy.value} a row "
                "can change or leave its group, and only a full_rebuild sees that"
            )
        return self

    @model_validator(mode="after")
    def _comparisons_gate_this_job(self) -> Self:
        has = {Layer.GOLD} if self.type is JobType.GOLD_ANALYTICS else set(Layer)
        for rule in self.validation_config.reconciliation_rules:
            sides = [(rule.source_job or self.id, rule.source_layer), (rule.target_job or self.id, rule.target_layer)]
            own = [layer for job_id, layer in sides if job_id == self.id]
            if not self.destination_config.gold_config.enabled:
                raise ValueError(f"reconciliationRules: {rule.name} gates Gold, and goldConfig.enabled is false")
            if not own:
                raise ValueError(f"reconciliationRules: {rule.name} compares two other jobs; state it in one of them")
            missing = sorted(set(own) - has)
            if missing:
                raise ValueError(f"reconciliationRules: {rule.name}: a job of type gold-analytics has no {', '.join(missing)}")
        return self
