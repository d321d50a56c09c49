"""The Silver table as a reader finds it: the one place that knows which objects are the table."""

import json
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
from flowforge.medallion.merge import align_to_contract
from flowforge.model.contract import Contract, ContractColumn
from flowforge.model.destination import MergeStrategy
from flowforge.model.errors import CommitConflict
from flowforge.model.step import StepResult
from flowforge.steps.attempt import scan
from flowforge.steps.context import StepContext
from flowforge.steps.silver_identity import parquet_metadata

COMPACTED = "flowforge.compacted"
"""In the footer of a compacted file: the keys and ETags of the files whose rows it holds, as JSON."""
PARALLEL_FOOTERS = 16
FILES_PER_SECOND = 1_000_000
"""More files than a table has; see ``appended_version``."""


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
    appended = strategy is MergeStrategy.APPEND

    def look() -> list[ObjectVersion]:
        present = context.lake.head(key) if not appended else None
        return appended_files(context) if appended else [present] if present else []

    objects = look()
    if not any(item.key == key for item in objects):
        raise CommitConflict(f"{key} is gone", file=key)
    if appended:
        columns = contract.columns if contract else None
        prefix = keys.silver_prefix(*context.slugs)
        frame = partial(appended_frame, context, objects, columns)
        return SilverRows(prefix, tuple(objects), contract, appended_version(objects), frame, look)
    version = current_version(objects[0]) if strategy.keeps_one_object else None
    return SilverRows(key, tuple(objects), contract, version, partial(scan, context.lake, key), look)


def current_version(present: ObjectVersion) -> int:
    """The state of a table of one object, as its publish numbered it."""
    return int(present.metadata.get(TABLE_VERSION, "0"))


def appended_version(files: Sequence[ObjectVersion]) -> int:
    """A number that grows with every file that comes on top, also where old files were removed in the meantime.

    S3 tells the time of a file in whole seconds, so the number of files decides within one.
    """
    newest = max((int(item.last_modified.timestamp()) for item in files), default=0)
    return newest * FILES_PER_SECOND + len(files)


def appended_files(context: StepContext) -> list[ObjectVersion]:
    """The dated files of the job's Silver, by key."""
    prefix = keys.silver_prefix(*context.slugs)
    found = [item for item in context.lake.list_objects(prefix) if keys.is_dated(item.key, prefix)]
    return without_compacted(context.lake, found)


def without_compacted(lake: Lake, objects: Sequence[ObjectVersion]) -> list[ObjectVersion]:
    """The objects less those whose rows another one among them holds, and which are about to be removed."""
    held = compacted_keys(lake, objects)
    return [item for item in objects if item.key not in held]


def compacted_keys(lake: Lake, objects: Sequence[ObjectVersion]) -> set[str]:
    """The keys whose rows the compacted files among the objects hold."""
    made = [item.key for item in objects if keys.is_compacted(item.key)]
    return {key for item in made for key in json.loads(parquet_metadata(lake, item).get(COMPACTED, "{}"))}


def appended_frame(
    context: StepContext, files: Sequence[ObjectVersion], columns: Sequence[ContractColumn] | None
) -> pl.LazyFrame:
    """The rows of all files, file by file, in the types of a contract (None: as they are, before there is a contract).

    Raises ConfigFault where a file has other columns, or values that the contract's types cannot hold.
    """
    surrogate_key_column = context.job.destination_config.silver_config.surrogate_key_column
    parts = []
    for same in _by_schema(context.lake, files):
        frame = scan(context.lake, *(item.key for item in same))
        parts.append(frame if columns is None else align_to_contract(frame, columns, surrogate_key_column, name=same[0].key))
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
