"""Compaction: the small files of a day of an appended table become one.

It is published as a run's file is, by a condition, under a name that follows from the files it holds. Then the table's record
names it and them, unless a rebuild or another compaction changed the record meanwhile. From that moment the product reads it in
their place (``silver_tables.appended_table``), so nobody of ours sees a row twice or not at all; then they are removed. Only
files of runs whose Silver has a stored result are taken: a run that is tried again would otherwise find its file gone, and
publish its rows once more.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from flowforge.lake import keys
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.lake.lake_tables import LakeTable
from flowforge.lake.silver_tables import appended_table
from flowforge.lake.small_files import SMALL_BYTES, TARGET_BYTES, small_file_debt
from flowforge.lake.table_records import TableRecord, change_table_record
from flowforge.model.errors import CommitConflict, ConfigFault
from flowforge.model.step import Step
from flowforge.steps.attempt import Attempt, scan
from flowforge.steps.catalog_registration import register_table
from flowforge.steps.context import EXECUTION_ID_METADATA
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.known_tables import objects_by_day
from flowforge.steps.rebuild import LONGEST_EXECUTION
from flowforge.steps.silver_identity import parquet_metadata


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
    if table.appended is None:
        raise ConfigFault(
            f"{table.layer}.{table.name} is not appended to: only the files of a Silver table with mergeStrategy 'append' are "
            "compacted; elsewhere a file is a run of its own, or the whole table",
            option="silverConfig.mergeStrategy",
        )
    found = []
    for day, objects in objects_by_day(table, table.objects(lake)).items():
        if small_file_debt(item.size_bytes for item in objects):
            small = [item for item in objects if item.size_bytes < SMALL_BYTES and _is_settled(lake, table, item)]
            found += [_compaction(table.appended, day, batch) for batch in _batches(small) if len(batch) > 1]
    return found


def compact(lake: Lake, table: LakeTable, compaction: Compaction) -> Compaction:
    """Publish the one file, remove those it holds, and bring the catalog to it.

    Raises CommitConflict where a file was changed meanwhile; then nothing was removed.
    """
    with engine_errors(f"the files of {compaction.day} of {table.name} could not be compacted"):
        first = compaction.replaced[0].key
        held = {item.key: item.etag for item in compaction.replaced}
        metadata = {name: value for name, value in parquet_metadata(lake, first).items() if name.startswith("flowforge.")}
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
        _record(lake, table, compaction)
        lake.delete(list(held))
        attempt.discard()
    if lake.catalog is not None:
        register_table(lake, table, day=date.fromisoformat(compaction.day))
    return Compaction(compaction.day, compaction.replaced, compaction.key, written.rows)


def _record(lake: Lake, table: LakeTable, compaction: Compaction) -> None:
    """Let the compacted file take the place of those that it holds. Raises CommitConflict where one was replaced meanwhile."""
    slugs = table.appended or ("", "")
    held = [item.key for item in compaction.replaced]

    def changed(present: TableRecord) -> TableRecord:
        if compaction.key in present.compacted:
            return present
        lost = [key for key in held if present.replaces(key, *slugs)]
        if lost:
            raise CommitConflict(f"{lost[0]} was replaced while it was compacted", file=lost[0])
        # What it holds of earlier compactions stands for the files of the runs.
        runs = [key for item in held for key in (item, *present.compacted.get(item, ()))]
        others = {key: value for key, value in present.compacted.items() if key not in held}
        return present.model_copy(update={"compacted": {**others, compaction.key: tuple(runs)}})

    change_table_record(lake, keys.silver_table_key(*slugs), changed)


def remove_replaced(lake: Lake, table: LakeTable, *, now: datetime) -> list[str]:
    """Remove the files of an appended table whose rows others hold; the removed keys.

    Also what a compaction or a rebuild published and never came to show, once it is longer ago than an execution takes.
    """
    if table.appended is None:
        return []
    found = appended_table(lake, *table.appended)
    held = {key for item in found.record.compacted.values() for key in item}
    left = [
        item.key
        for item in found.replaced
        if item.key in held or not keys.is_made_of_others(item.key) or now - item.last_modified > LONGEST_EXECUTION
    ]
    lake.delete(left)
    if left and lake.catalog is not None:
        register_table(lake, table)
    return left


def _is_settled(lake: Lake, table: LakeTable, item: ObjectVersion) -> bool:
    """Whether the run that wrote a file has stored its result, and so will never look for the file again."""
    if keys.is_made_of_others(item.key):
        return True
    execution_id = parquet_metadata(lake, item.key).get(EXECUTION_ID_METADATA)
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


def _compaction(slugs: tuple[str, str], day: str, objects: Sequence[ObjectVersion]) -> Compaction:
    held = json.dumps([(item.key, item.etag) for item in objects])
    digest = hashlib.sha256(held.encode()).hexdigest()[:12]
    return Compaction(day, tuple(objects), keys.silver_compacted_key(*slugs, day.replace("-", ""), digest))


def _rows(lake: Lake, key: str) -> int:
    return int(scan(lake, key).select(pl.len()).collect().item())
