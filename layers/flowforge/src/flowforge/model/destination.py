"""The three layers that a job writes, and how."""

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from flowforge.model.base import Document
from flowforge.model.gold import GoldConfig
from flowforge.model.layer import LayerConfig
from flowforge.model.silver_config import SilverConfig


class SchemaEvolution(StrEnum):
    """What Bronze does with a file whose columns differ from the contract's, or from those of the run's other files.

    ``strict`` refuses it. ``add_new_columns`` and ``ignore_extra`` keep every column and fill with null what a file lacks;
    they differ in Silver, which takes up new columns or leaves them out.
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
