"""What a Silver table is by: its strategy and its key, as its files say. A change of either needs a rebuild from Bronze."""

from collections.abc import Sequence

import polars as pl

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault
from flowforge.steps.context import StepContext

PRIMARY_KEY = "flowforge.primary_key"
MERGE_STRATEGY = "flowforge.merge_strategy"


def identity_metadata(context: StepContext, key: Sequence[str]) -> dict[str, str]:
    """What each file of the table says of it."""
    strategy = context.job.destination_config.silver_config.merge_strategy
    return {PRIMARY_KEY: ",".join(key), MERGE_STRATEGY: strategy.value}


def parquet_metadata(lake: Lake, key: str) -> dict[str, str]:
    """The key-value metadata of a Parquet object."""
    return pl.read_parquet_metadata(lake.uri(key), storage_options=lake.storage_options)


def require_same_strategy(context: StepContext) -> None:
    """Raise ConfigFault where what lies below the table's prefix was written by another strategy."""
    strategy = context.job.destination_config.silver_config.merge_strategy.value
    first = context.lake.first_key(keys.silver_prefix(*context.slugs))
    if first is None or not first.endswith(".parquet"):
        return
    written_by = parquet_metadata(context.lake, first).get(MERGE_STRATEGY, strategy)
    if written_by != strategy:
        raise ConfigFault(
            f"silverConfig.mergeStrategy is {strategy}, and the table was written by {written_by} ({first}): a changed strategy "
            "needs a rebuild of Silver from Bronze, or another slug (on the command line: --name) for a table of its own",
            option="silverConfig.mergeStrategy",
        )


def require_same_key(context: StepContext, table_key: str, key: Sequence[str]) -> None:
    """Raise ConfigFault where the table was merged by another key."""
    merged_by = parquet_metadata(context.lake, table_key).get(PRIMARY_KEY, "")
    if merged_by != ",".join(key):
        raise ConfigFault(
            f"silverConfig.primaryKey is {', '.join(key)}, and the table was merged by {merged_by.replace(',', ', ')}: a changed "
            "key needs a rebuild of Silver from Bronze",
            option="silverConfig.primaryKey",
        )
