"""The first rows of a table, read as the product itself reads it: only of the objects that the table is now."""

from collections.abc import Sequence

import polars as pl

from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.lake.lake_tables import LakeTable
from flowforge.lake.silver_tables import silver_table_objects
from flowforge.model.layer import Layer
from flowforge.steps.attempt import scan
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.known_tables import table_objects
from flowforge.steps.stable_read import stable_read

MOST_FILES = 20
"""Of a table of many small files the rows of these are enough to look at."""


def first_rows(lake: Lake, table: LakeTable, workflow_slug: str, job_slug: str, *, rows: int) -> pl.DataFrame:
    """At most ``rows`` rows in the order of the table's files; a column that a file has not is null there.

    Without columns where nothing was published. Raises CommitConflict where the table was replaced meanwhile, and the errors of
    the engine as the tree has them.
    """
    with engine_errors(f"{table.layer}.{table.name} could not be read"):
        objects = _objects(lake, table, workflow_slug, job_slug)

        def unchanged() -> bool:
            # What lies under the key of a run stays; a table of one object is replaced where it lies.
            return table.dated or _same(objects, _objects(lake, table, workflow_slug, job_slug))

        parts: list[pl.DataFrame] = []
        with stable_read(table.prefix, unchanged):
            for item in objects[:MOST_FILES]:
                parts.append(scan(lake, item.key).head(rows).collect())
                rows -= parts[-1].height
                if rows <= 0:
                    break
    return pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame()


def _objects(lake: Lake, table: LakeTable, workflow_slug: str, job_slug: str) -> Sequence[ObjectVersion]:
    if table.layer is Layer.SILVER:
        found = silver_table_objects(lake, workflow_slug, job_slug)
        return found.objects if found else ()
    return table_objects(lake, table)


def _same(before: Sequence[ObjectVersion], after: Sequence[ObjectVersion]) -> bool:
    return len(before) == len(after) and all(one.is_same(two) for one, two in zip(before, after, strict=True))
