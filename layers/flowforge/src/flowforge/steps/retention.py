"""Retention: what a layer no longer keeps, as its ``retentionDays`` says, leaves the lake and the catalog together."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from flowforge.lake.heads import read_head
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.lake.lake_tables import LakeTable
from flowforge.steps.catalog_registration import register_table


@dataclass(frozen=True)
class Expiry:
    """Objects of a day that is longer ago than the table keeps. ``kept``: what the head names, which stays whatever its age."""

    table: LakeTable
    day: date
    objects: tuple[ObjectVersion, ...]
    kept: tuple[ObjectVersion, ...]

    @property
    def size_bytes(self) -> int:
        """The bytes that are removed."""
        return sum(item.size_bytes for item in self.objects)


def expired(lake: Lake, table: LakeTable, *, today: date) -> Iterator[Expiry]:
    """What is more than ``retentionDays`` older than ``today``, by day. Changes nothing.

    Of a dated table the files of old days; of a table of one object what lies in its archive since then.
    """
    if table.retention_days is None:
        return
    last = today - timedelta(days=table.retention_days)
    head = read_head(lake, table.head_key) if table.head_key else None
    days: dict[date, list[ObjectVersion]] = {}
    for day, item in _aged(lake, table):
        if day < last:
            days.setdefault(day, []).append(item)
    for day, objects in sorted(days.items()):
        kept = [item for item in objects if head is not None and item.key == head.key]
        removed = [item for item in objects if item not in kept]
        if removed:
            yield Expiry(table, day, tuple(removed), tuple(kept))


def remove(lake: Lake, expiry: Expiry) -> None:
    """Remove the partition, then its objects; what died in between is completed by the next removal.

    The head is read again right before: what it names by now stays.
    """
    table = expiry.table
    head = read_head(lake, table.head_key) if table.head_key else None
    removed = [item.key for item in expiry.objects if head is None or item.key != head.key]
    is_registered = table.dated and lake.catalog is not None and lake.catalog.table(table.layer, table.name) is not None
    if is_registered and lake.catalog is not None and len(removed) == len(expiry.objects) and not expiry.kept:
        lake.catalog.delete_partition(table.layer, table.name, expiry.day.isoformat())
    lake.delete(removed)
    if is_registered:
        register_table(lake, table, day=expiry.day)


def _aged(lake: Lake, table: LakeTable) -> Iterator[tuple[date, ObjectVersion]]:
    if table.dated:
        yield from ((day, item) for item in [*table.objects(lake), *table.replaced(lake)] if (day := table.day_of(item.key)))
    elif table.archive_prefix is not None:
        yield from ((item.last_modified.astimezone(UTC).date(), item) for item in lake.list_objects(table.archive_prefix))
