"""The Silver table as a reader finds it: the one place that knows which objects are the table."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import polars as pl

from flowforge.lake import keys
from flowforge.lake.contracts import latest_contract
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.lake.publish import TABLE_VERSION
from flowforge.lake.silver_tables import appended_table, files_version
from flowforge.lake.table_records import read_table_record
from flowforge.medallion.merge import align_to_contract
from flowforge.model.contract import Contract, ContractColumn
from flowforge.model.errors import CommitConflict
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import StepResult
from flowforge.steps.attempt import scan
from flowforge.steps.context import StepContext

PARALLEL_FOOTERS = 16


@dataclass(frozen=True)
class SilverRows:
    """The objects that hold a table's rows, as one look found them, and how they are read."""

    name: str
    objects: tuple[ObjectVersion, ...]
    contract: Contract | None
    version: int | None
    frame: Callable[[], pl.LazyFrame]
    look: Callable[[], Sequence[ObjectVersion]]

    @property
    def size_bytes(self) -> int:
        """The bytes of all objects."""
        return sum(item.size_bytes for item in self.objects)

    def unchanged(self) -> bool:
        """Whether every object is what it was; files that came on top change nothing of what was read."""
        now = {item.key: item for item in self.look()}
        return all(item.is_same(now.get(item.key)) for item in self.objects)


def silver_rows(context: StepContext, silver: StepResult) -> SilverRows:
    """The table that the run's Silver left, in its newest state. Raises CommitConflict where it is gone."""
    strategy = context.job.destination_config.silver_config.merge_strategy
    contract = latest_contract(context.lake, context.plan.workflow_id, context.job.id, start=silver.contract_version)
    key = silver.outputs[0].key
    if strategy is MergeStrategy.APPEND:
        return _appended_rows(context, key, contract)
    present = context.lake.head(key)
    if present is None:
        raise CommitConflict(f"{key} is gone", file=key)

    def look() -> list[ObjectVersion]:
        now = context.lake.head(key)
        return [now] if now else []

    version = current_version(present) if strategy.keeps_one_object else None
    return SilverRows(key, (present,), contract, version, partial(scan, context.lake, key), look)


def _appended_rows(context: StepContext, key: str, contract: Contract | None) -> SilverRows:
    """The table of which the run's file is a part, or was: its rows can lie in another file by now."""
    table = appended_table(context.lake, *context.slugs)
    if not table.objects or not table.has_rows_of(key):
        raise CommitConflict(f"{key} is gone", file=key)
    return SilverRows(
        keys.silver_prefix(*context.slugs),
        table.objects,
        contract,
        appended_version(context, table.objects),
        partial(rows_of_files, context, table.objects, contract),
        partial(appended_files, context),
    )


def current_version(present: ObjectVersion) -> int:
    """The state of a table of one object, as its publish numbered it."""
    return int(present.metadata.get(TABLE_VERSION, "0"))


def appended_version(context: StepContext, files: Sequence[ObjectVersion]) -> int:
    """The state of an appended table of these files, as this run leaves it; see ``files_version``."""
    record = read_table_record(context.lake, keys.silver_table_key(*context.slugs))
    rebuilding = len(context.planned.rebuild) + 1 if context.planned.rebuild is not None else 0
    return files_version(files, replaced=max(record.replaced_files, rebuilding))


def appended_files(context: StepContext) -> list[ObjectVersion]:
    """The objects of the job's appended table."""
    return list(appended_table(context.lake, *context.slugs).objects)


def appended_frame(
    context: StepContext, files: Sequence[ObjectVersion], columns: Sequence[ContractColumn] | None
) -> pl.LazyFrame:
    """The rows of all files, file by file, in the types of a contract (None: as they are, before there is a contract).

    Raises ConfigFault where a file has other columns, or values that the contract's types cannot hold.
    """
    return frame_of_files(context.lake, files, columns, context.job.destination_config.silver_config.added_columns)


def rows_of_files(context: StepContext, files: Sequence[ObjectVersion], contract: Contract | None) -> pl.LazyFrame:
    """The rows of some of the job's dated files, as ``SilverRows.frame`` gives those of all."""
    return appended_frame(context, files, contract.columns if contract else None)


def frame_of_files(
    lake: Lake, files: Sequence[ObjectVersion], columns: Sequence[ContractColumn] | None, added: Sequence[str]
) -> pl.LazyFrame:
    """The rows of files of one table, file by file; see ``appended_frame``."""
    parts = []
    for same in _by_schema(lake, files):
        frame = scan(lake, *(item.key for item in same))
        parts.append(frame if columns is None else align_to_contract(frame, columns, added, name=same[0].key))
    return pl.concat(parts)


def _by_schema(lake: Lake, files: Sequence[ObjectVersion]) -> Iterator[list[ObjectVersion]]:
    """Neighbouring files of the same columns and types, which the engine reads as one."""

    def schema_of(item: ObjectVersion) -> tuple[tuple[str, pl.DataType], ...]:
        return tuple(scan(lake, item.key).collect_schema().items())

    with ThreadPoolExecutor(PARALLEL_FOOTERS) as pool:
        schemas = list(pool.map(schema_of, files))
    pairs = zip(schemas, files, strict=True)
    for _, same in groupby(pairs, key=lambda pair: pair[0]):
        yield [item for _, item in same]
