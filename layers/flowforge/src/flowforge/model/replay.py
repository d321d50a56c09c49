"""Rows of the quarantine that are to go through again, fixed or as they are."""

import hashlib
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from flowforge.model.base import Document
from flowforge.model.names import Identifier

ID_HEX_DIGITS = 32


class ReplayedRow(Document):
    """One row: its number in the quarantine's object, from 1, and the values that replace those of its columns of Bronze."""

    number: Annotated[int, Field(ge=1)]
    values: dict[str, str | None] = Field(default_factory=dict)


class Replay(Document):
    """The chosen rows of one quarantine, with their fixes. Stored as ``runs/{executionId}/replay.json``."""

    schema_version: Literal[1] = 1
    workflow_id: Identifier
    job_id: Identifier
    quarantine_key: str
    quarantine_etag: str
    rows: Annotated[tuple[ReplayedRow, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _rows_in_order_once(self) -> Self:
        numbers = [row.number for row in self.rows]
        if numbers != sorted(set(numbers)):
            raise ValueError("rows: each row of the quarantine stands there once, in the order of their numbers")
        return self

    @property
    def execution_id(self) -> str:
        """The execution that replays exactly this: the same rows with the same fixes are one execution."""
        return f"replay_{hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()[:ID_HEX_DIGITS]}"
