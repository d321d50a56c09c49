"""A table that shows one run, with rows of that run's quarantine that came through a replay."""

import polars as pl

from flowforge.medallion.conflict_policy import ConflictPolicy
from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.merge import align_to_contract, merged, weigh
from flowforge.model.step import SilverCounts
from flowforge.steps.arrival import NEWEST_RUN, RunOrder, written
from flowforge.steps.attempt import Attempt, Written, scan
from flowforge.steps.context import StepContext
from flowforge.steps.run_rows import RunRows

AMENDS = "flowforge.amends"
"""The key of the object whose rows were amended."""


def amended_table(
    context: StepContext, attempt: Attempt, rows: RunRows, table_key: str, shown: RunOrder
) -> tuple[Written | None, SilverCounts]:
    """The table under a key with those of the rows that are of the run that it shows; the others are stale.

    None where no row is of that run, so that the table stays as it is.
    """
    config = context.job.destination_config.silver_config
    run = scan(context.lake, rows.accepted.version.key, position=POSITION)
    time = pl.lit(shown[0], dtype=pl.Datetime("us", "UTC"))
    own = run.filter((pl.col("_ingested_at") == time) & (pl.col("_run_id") == shown[1]))
    count = own.select(pl.len()).collect(engine="streaming").item()
    others = rows.accepted.rows - count
    before = scan(context.lake, table_key).select(pl.len()).collect().item()
    if not count:
        return None, rows.counts(inserted=0, stale=others, before=before, after=before)
    table = align_to_contract(
        scan(context.lake, table_key, position=POSITION), rows.columns, config.added_columns, name=table_key
    )
    content = [column.name for column in rows.columns]
    policy = ConflictPolicy.of(config, rows.arrival.file_ranks)
    outcome = weigh(table, own, rows.key, content, rows=count, policy=policy)
    metadata = {**rows.metadata, AMENDS: table_key, NEWEST_RUN: written(shown)}
    made = attempt.write(merged(table, own, outcome), attempt.new_name("current"), metadata=metadata)
    stale = outcome.stale.height
    counts = rows.counts(
        inserted=count - outcome.updated - outcome.unchanged - stale,
        updated=outcome.updated,
        unchanged=outcome.unchanged,
        stale=stale + others,
        before=before,
        after=made.rows,
    )
    return made, counts
