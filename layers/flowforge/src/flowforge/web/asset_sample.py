"""The first rows of a published table, as JSON."""

import json
from typing import Annotated, Self

import polars as pl
from pydantic import Field, JsonValue
from sqlalchemy import Connection, RowMapping, select

from flowforge.lake.lake import Lake
from flowforge.lake.lake_tables import LakeTable, job_tables
from flowforge.metadata.refusals import InUse
from flowforge.metadata.schema import jobs, workflows
from flowforge.metadata.stored_workflow import job_of
from flowforge.model.base import Document
from flowforge.steps.table_sample import first_rows
from flowforge.web.json_values import json_value

MOST_BYTES = 800_000
"""An answer of a function behind a load balancer has one megabyte
(https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html)."""


class SampleColumn(Document):
    """A column with its type as the engine reads it."""

    name: str
    type: str


class AssetSample(Document):
    """The first rows, each by the names of columns. ``isCut``: rows were left out so that the answer stays small enough."""

    columns: Annotated[list[SampleColumn], Field(alias="schema")]
    rows: list[dict[str, JsonValue]]
    total_rows_in_sample: Annotated[int, Field(alias="total_rows_in_sample")]
    total_columns: Annotated[int, Field(alias="total_columns")]
    is_cut: bool = False

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Self:
        """Show rows, as many as fit into an answer."""
        rows: list[dict[str, JsonValue]] = []
        size = 0
        for row in frame.iter_rows(named=True):
            shown = {name: json_value(value) for name, value in row.items()}
            size += len(json.dumps(shown, ensure_ascii=False).encode())
            if size > MOST_BYTES:
                break
            rows.append(shown)
        columns = [SampleColumn(name=name, type=str(dtype)) for name, dtype in frame.schema.items()]
        return cls(
            columns=columns,
            rows=rows,
            total_rows_in_sample=len(rows),
            total_columns=len(columns),
            is_cut=len(rows) < frame.height,
        )


def table_of(connection: Connection, asset: RowMapping) -> tuple[LakeTable, str, str]:
    """The table of an asset in the lake, with the slugs of its workflow and its job, be that deleted or not.

    Raises InUse where the job was purged, or makes no such table any more.
    """
    query = select(jobs, workflows.c.slug.label("workflow_slug")).join_from(jobs, workflows)
    mine = (jobs.c.workflow_id == asset["workflow_id"]) & (jobs.c.id == asset["job_id"])
    row = connection.execute(query.where(mine)).mappings().first()
    if row is not None:
        for table in job_tables(row["workflow_id"], row["workflow_slug"], job_of(row)):
            # A job that calls its table otherwise by now still writes to the same place.
            if table.layer is asset["layer"] and asset["location"].endswith(f"/{table.prefix}"):
                return table, row["workflow_slug"], row["slug"]
    raise InUse(f"{asset['layer'].value}.{asset['table_name']} belongs to no job any more, so its rows cannot be read here")


def read_sample(lake: Lake, table: LakeTable, workflow_slug: str, job_slug: str, *, rows: int) -> AssetSample:
    """Read the first rows of a table."""
    return AssetSample.of(first_rows(lake, table, workflow_slug, job_slug, rows=rows))
