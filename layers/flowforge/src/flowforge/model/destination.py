"""The three layers that a job writes, and how."""

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from flowforge.model.base import Document
from flowforge.model.gold import GoldConfig
from flowforge.model.layer import LayerConfig
from flowforge.model.silver_config import SilverConfig


class SchemaEvolution(StrEnum):
    """What becomes of a file whose columns differ from the contract's, or from those of the run's other files, by name.

    ``strict`` refuses it. Under the other two Bronze keeps every column, what a file lacks is null, and Silver takes up a new
    column behind the others (``add_new_columns``) or leaves it out (``ignore_extra``).
    """

    STRICT = "strict"
    ADD_NEW_COLUMNS = "add_new_columns"
    IGNORE_EXTRA = "ignore_extra"


class BronzeConfig(LayerConfig):
    """Options of Bronze. Every run's files are kept, and the audit columns are always there: ``_run_id`` tells the batch."""

    audit_columns_batch_id: bool = False
    schema_evolution: SchemaEvolution = SchemaEvolution.STRICT


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
