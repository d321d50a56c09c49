"""What a Silver table is by: its strategy and its key, as its files say. A change of either needs a rebuild from Bronze."""

import json
from collections.abc import Mapping, Sequence

import polars as pl

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.lake.table_records import read_table_record
from flowforge.model.contract import ContractColumn, Type
from flowforge.model.errors import ConfigFault
from flowforge.model.silver_config import MergeStrategy, SilverConfig
from flowforge.steps.context import StepContext

PRIMARY_KEY = "flowforge.primary_key"
MERGE_STRATEGY = "flowforge.merge_strategy"
OPTIONS = "flowforge.silver_options"
OF_EVERY_SHARED_TABLE = ("surrogate_key_strategy",)
OF_A_STRATEGY = {
    MergeStrategy.MERGE: ("conflict_resolution", "conflict_column", "update_strategy"),
    MergeStrategy.SCD_TYPE_2: (
        "scd_effective_date_column",
        "scd_end_date_column",
        "scd_current_flag_column",
        "scd_track_deletes",
    ),
}


def identity_metadata(context: StepContext, key: Sequence[str]) -> dict[str, str]:
    """What each file of the table says of it."""
    config = context.job.destination_config.silver_config
    options = json.dumps(_options(config), sort_keys=True)
    return {PRIMARY_KEY: ",".join(key), MERGE_STRATEGY: config.merge_strategy.value, OPTIONS: options}


def _options(config: SilverConfig) -> dict[str, object]:
    """The options, besides key and strategy, that the rows which a table has already were made by."""
    names = (*OF_EVERY_SHARED_TABLE, *OF_A_STRATEGY.get(config.merge_strategy, ()))
    stated = config.model_dump(mode="json", by_alias=True, include=set(names))
    return stated | ({"surrogateKeyColumn": config.surrogate_key_column} if config.existing_surrogate_key else {})


def parquet_metadata(lake: Lake, key: str) -> dict[str, str]:
    """The key-value metadata of a Parquet object."""
    return pl.read_parquet_metadata(lake.uri(key), storage_options=lake.storage_options)


def current_flag_of(metadata: Mapping[str, str]) -> str | None:
    """The column that tells the versions of a history which hold now, as a file of it says; None for another table."""
    if metadata.get(MERGE_STRATEGY) != MergeStrategy.SCD_TYPE_2:
        return None
    column: str = json.loads(metadata[OPTIONS])["scdCurrentFlagColumn"]
    return column


def require_same_strategy(context: StepContext) -> None:
    """Raise ConfigFault where what lies below the table's prefix was written by another strategy."""
    strategy = context.job.destination_config.silver_config.merge_strategy.value
    record = read_table_record(context.lake, keys.silver_table_key(*context.slugs))
    if record.rebuild is not None:
        _require_strategy(strategy, record.rebuild.strategy.value, record.rebuild.key)
        return
    first = context.lake.first_key(keys.silver_prefix(*context.slugs))
    if first is None or not first.endswith(".parquet"):
        return
    _require_strategy(strategy, parquet_metadata(context.lake, first).get(MERGE_STRATEGY, strategy), first)


def _require_strategy(strategy: str, written_by: str, file: str) -> None:
    if written_by != strategy:
        raise ConfigFault(
            f"silverConfig.mergeStrategy is {strategy}, and the table was written by {written_by} ({file}): a changed strategy "
            "needs a rebuild of Silver from Bronze, or another slug (on the command line: --name) for a table of its own",
            option="silverConfig.mergeStrategy",
        )


def require_same_table(context: StepContext, table_key: str, key: Sequence[str]) -> None:
    """Raise ConfigFault where the table was made by another key, or by other options that its rows depend on."""
    metadata = parquet_metadata(context.lake, table_key)
    merged_by = metadata.get(PRIMARY_KEY, "")
    if merged_by != ",".join(key):
        raise ConfigFault(
            f"silverConfig.primaryKey is {', '.join(key)}, and the table was merged by {merged_by.replace(',', ', ')}: a changed "
            "key needs a rebuild of Silver from Bronze",
            option="silverConfig.primaryKey",
        )
    require_same_options(context, metadata)


def require_same_options(context: StepContext, metadata: Mapping[str, str]) -> None:
    """Raise ConfigFault where a file of the table was made by other options that its rows depend on."""
    before, now = json.loads(metadata.get(OPTIONS, "{}")), _options(context.job.destination_config.silver_config)
    for option in sorted(set(before) | set(now)):
        if before.get(option) != now.get(option):
            raise ConfigFault(
                f"silverConfig.{option} is {now.get(option)}, and the table was made with {before.get(option)}: that needs a "
                "rebuild of Silver from Bronze",
                option=f"silverConfig.{option}",
            )


def require_same_key_types(before: Mapping[str, pl.DataType], columns: Sequence[ContractColumn], key: Sequence[str]) -> None:
    """Raise ConfigFault where a column of the key became text that was no text and no integer.

    A date or a decimal is written in another form in the source than the table's value is as text, so that the same key
    would be two.
    """
    for column in columns:
        old = before.get(column.name)
        if column.name in key and column.data_type.type is Type.TEXT and old not in (None, pl.String(), pl.Int64()):
            raise ConfigFault(
                f"{column.name} is part of the primary key and text now, and the table has it as {old}: a key in another form "
                "needs a rebuild of Silver from Bronze",
                column=column.name,
                option="silverConfig.primaryKey",
            )
