"""Compaction: the small files of a day of an appended table become one.

It is published as a run's file is, by a condition, under a name that follows from the files it holds; its footer names
them. From that moment the product reads it in their place (``silver_reader.without_compacted``), so nobody of ours sees a row
twice or not at all; then they are removed. Only files of runs whose Silver has a stored result are taken: a run that is
tried again would otherwise find its file gone, and publish its rows once more.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from flowforge.lake import keys
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.lake.lake_tables import LakeTable
from flowforge.lake.small_files import SMALL_BYTES, TARGET_BYTES, small_file_debt
from flowforge.model.errors import CommitConflict, ConfigFault
from flowforge.model.step import Step
from flowforge.model.table_options import Layer
from flowforge.steps.attempt import Attempt, scan
from flowforge.steps.catalog_registration import register_table
from flowforge.steps.context import EXECUTION_ID_METADATA
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.known_tables import objects_by_day
from flowforge.steps.silver_identity import parquet_metadata
from flowforge.steps.silver_reader import COMPACTED, compacted_keys, without_compacted


@dataclass(frozen=True)
class Compaction:
    """Files of one day that become one. ``rows`` is None until they have."""

    day: str
    replaced: tuple[ObjectVersion, ...]
    key: str
    rows: int | None = None

    @property
    def size_bytes(self) -> int:
        """The bytes of the files."""
        return sum(item.size_bytes for item in self.replaced)


def planned_compactions(lake: Lake, table: LakeTable) -> list[Compaction]:
    """What there is to compact, by day: small files of finished runs, up to ``TARGET_BYTES`` at a time.

    Raises ConfigFault for a table whose files are no union: there each file is a run, or the table.
    """
    if table.layer is not Layer.SILVER or not table.dated or table.head_key is not None:
        raise ConfigFault(
            f"{table.layer}.{table.name} is not appended to: only the files of a Silver table with mergeStrategy 'append' are "
            "compacted; elsewhere a file is a run of its own, or the whole table",
            option="silverConfig.mergeStrategy",
        )
    found = []
    for day, objects in objects_by_day(table, without_compacted(lake, table.objects(lake))).items():
        if small_file_debt(item.size_bytes for item in objects):
            small = [item for item in objects if item.size_bytes < SMALL_BYTES and _is_settled(lake, table, item)]
            found += [_compaction(table, day, batch) for batch in _batches(small) if len(batch) > 1]
    return found


def compact(lake: Lake, table: LakeTable, compaction: Compaction) -> Compaction:
    """Publish the one file, remove those it holds, and bring the catalog to it.

    Raises CommitConflict where a file was changed meanwhile; then nothing was removed.
    """
    with engine_errors(f"the files of {compaction.day} of {table.name} could not be compacted"):
        first = compaction.replaced[0].key
        held = {item.key: item.etag for item in compaction.replaced}
        metadata = {name: value for name, value in parquet_metadata(lake, first).items() if name.startswith("flowforge.")}
        metadata |= {COMPACTED: json.dumps(held, sort_keys=True)}
        attempt = Attempt(lake, compaction.key.rpartition("/")[2].removesuffix(".parquet"))
        before = sum(_rows(lake, item.key) for item in compaction.replaced)
        frames = [scan(lake, item.key) for item in compaction.replaced]
        written = attempt.write(pl.concat(frames, how="diagonal"), "compacted.parquet", metadata=metadata)
        if written.rows != before:
            raise CommitConflict(f"the files of {compaction.day} hold {before} rows and {written.rows} were written")
        now = {item.key: item.etag for item in table.objects(lake)}
        changed = [key for key, etag in held.items() if now.get(key) != etag]
        if changed:
            raise CommitConflict(f"{changed[0]} was replaced or removed while it was compacted", file=changed[0])
        attempt.publish(written, compaction.key)
        lake.delete(list(held))
        attempt.discard()
    if lake.catalog is not None:
        register_table(lake, table, day=date.fromisoformat(compaction.day))
    return Compaction(compaction.day, compaction.replaced, compaction.key, written.rows)


def finish_compactions(lake: Lake, table: LakeTable) -> list[str]:
    """Remove what an earlier compaction published the rows of and did not come to remove; the removed keys."""
    objects = table.objects(lake)
    left = sorted({item.key for item in objects} & compacted_keys(lake, objects))
    lake.delete(left)
    if left and lake.catalog is not None:
        register_table(lake, table)
    return left


def _is_settled(lake: Lake, table: LakeTable, item: ObjectVersion) -> bool:
    """Whether the run that wrote a file has stored its result, and so will never look for the file again."""
    metadata = parquet_metadata(lake, item.key)
    if COMPACTED in metadata:
        return True
    execution_id = metadata.get(EXECUTION_ID_METADATA)
    job_id = table.owner.partition("/")[2]
    return execution_id is not None and lake.head(keys.result_key(execution_id, job_id, Step.SILVER_TRANSFORM)) is not None


def _batches(objects: Sequence[ObjectVersion]) -> Iterator[list[ObjectVersion]]:
    batch: list[ObjectVersion] = []
    for item in objects:
        if batch and sum(other.size_bytes for other in batch) + item.size_bytes > TARGET_BYTES:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def _compaction(table: LakeTable, day: str, objects: Sequence[ObjectVersion]) -> Compaction:
    held = json.dumps([(item.key, item.etag) for item in objects])
    digest = hashlib.sha256(held.encode()).hexdigest()[:12]
    return Compaction(day, tuple(objects), keys.compacted_key(table.prefix, day.replace("-", ""), digest))


def _rows(lake: Lake, key: str) -> int:
    return int(scan(lake, key).select(pl.len()).collect().item())
