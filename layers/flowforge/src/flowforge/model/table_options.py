"""What the table of a layer is called for those who query it, and how long it keeps what it holds."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from flowforge.model.base import Document

TableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=127)]
"""A name that Athena takes without quotes; the view beside a table adds ``_latest``, and the catalog takes 255 characters."""


class Layer(StrEnum):
    """The layers, each a database of the catalog."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    QUARANTINE = "quarantine"


class TableOptions(Document):
    """Options of each layer.

    ``tableName``: its table in the catalog, where it is not to be ``{workflow}_{job}``. ``retentionDays``: after how many days
    ``flowforge assets retention`` removes a dated file; None keeps them all.
    """

    table_name: TableName | None = None
    retention_days: Annotated[int, Field(ge=1)] | None = None
