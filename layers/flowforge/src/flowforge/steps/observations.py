"""What each run brought to a table in which equal rows that follow each other are one row: needed where a run comes late.

A run's accepted rows are kept beside the table once the table has them. The run publishes them when its table is visible;
where it died in between, the next run does it before it replaces that table, as with the archive. So the rows of a run
that never reached the table are never among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from flowforge.lake import keys
from flowforge.lake.lake import ObjectVersion
from flowforge.lake.publish import ATTEMPT_ID, RUN_ID, publish
from flowforge.medallion.merge import align_to_contract
from flowforge.model.contract import ContractColumn
from flowforge.model.errors import ConfigFault
from flowforge.steps.arrival import GENERATION, snapshots_of
from flowforge.steps.attempt import ACCEPTED, scan
from flowforge.steps.context import StepContext
from flowforge.steps.silver_identity import parquet_metadata


@dataclass(frozen=True)
class Observations:
    """The facts that earlier runs brought, without ``_position``, and when there was a full snapshot."""

    frame: pl.LazyFrame | None
    rows: int
    snapshots: tuple[datetime, ...]


def keep_observations(context: StepContext, table: ObjectVersion) -> None:
    """Keep the accepted rows of the run that wrote a table, unless they are kept already.

    Raises ConfigFault where they are gone, which needs a rebuild.
    """
    run_id = table.metadata.get(RUN_ID)
    if run_id is None or not context.job.destination_config.silver_config.keeps_observations:
        return
    generation = parquet_metadata(context.lake, table.key)[GENERATION]
    key = keys.silver_observed_key(*context.slugs, generation, run_id)
    if context.lake.head(key) is not None:
        return
    attempt_id = table.metadata.get(ATTEMPT_ID, "")
    accepted = context.lake.head(keys.attempt_key(attempt_id, ACCEPTED))
    if accepted is None:
        raise ConfigFault(
            f"the rows that run {run_id} brought to {table.key} were not kept: the table needs a rebuild of Silver from Bronze",
            file=key,
        )
    publish(context.lake, accepted, key, run_id=run_id, attempt_id=attempt_id)


def observations(context: StepContext, generation: str, columns: Sequence[ContractColumn]) -> Observations:
    """What the other runs brought since the table began, in the types of the newest contract."""
    own = keys.silver_observed_key(*context.slugs, generation, context.run_id)
    prefix = keys.silver_observed_prefix(*context.slugs, generation)
    found = [item.key for item in context.lake.list_objects(prefix) if item.key != own]
    added = context.job.destination_config.silver_config.made_surrogate_key
    frames = [align_to_contract(scan(context.lake, key), columns, added, name=key) for key in found]
    snapshots = {time for key in found for time in snapshots_of(parquet_metadata(context.lake, key))}
    rows = scan(context.lake, *found).select(pl.len()).collect().item() if found else 0
    return Observations(pl.concat(frames) if frames else None, rows, tuple(sorted(snapshots)))
