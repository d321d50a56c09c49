"""Which objects are a Silver table now, for who knows it by its slugs alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from flowforge.lake import keys
from flowforge.lake.heads import read_head
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.lake.publish import TABLE_VERSION
from flowforge.lake.table_records import TableRecord, read_table_record
from flowforge.model.errors import CommitConflict
from flowforge.model.silver_config import MergeStrategy

FILES_PER_SECOND = 1_000_000
"""More files than a table has; see ``TableObjects.version``."""


@dataclass(frozen=True)
class TableObjects:
    """The objects that hold a table's rows, as one look found them. ``version`` grows with every state of the table."""

    name: str
    objects: tuple[ObjectVersion, ...]
    version: int

    @property
    def size_bytes(self) -> int:
        """The bytes of all objects."""
        return sum(item.size_bytes for item in self.objects)

    def is_same(self, other: "TableObjects | None") -> bool:
        """Whether a later look found the same objects."""
        return (
            other is not None
            and len(self.objects) == len(other.objects)
            and all(one.is_same(two) for one, two in zip(self.objects, other.objects, strict=True))
        )


@dataclass(frozen=True)
class AppendedTable:
    """The files of a table that is their union, as one look found them. ``replaced`` ones are read by nobody."""

    slugs: tuple[str, str]
    record: TableRecord
    objects: tuple[ObjectVersion, ...]
    replaced: tuple[ObjectVersion, ...]

    def has_rows_of(self, key: str) -> bool:
        """Whether the rows that were published under a key are in the table, there or in another file."""
        return any(item.key == key for item in self.objects) or self.record.replaces(key, *self.slugs)


def silver_table_objects(lake: Lake, workflow_slug: str, job_slug: str) -> TableObjects | None:
    """The table: its ``current`` object, the object that its head names, or all its dated files. None where there is none.

    Raises CommitConflict where the head's object is gone or another one.
    """
    prefix = keys.silver_prefix(workflow_slug, job_slug)
    # What an earlier strategy left stays where it is; the last rebuild tells which one the table follows now.
    strategy = read_table_record(lake, keys.silver_table_key(workflow_slug, job_slug)).strategy
    present = lake.head(keys.silver_current_key(workflow_slug, job_slug))
    if present is not None and (strategy is None or strategy.keeps_one_object):
        return TableObjects(prefix, (present,), int(present.metadata.get(TABLE_VERSION, "0")))
    head = read_head(lake, keys.silver_head_key(workflow_slug, job_slug))
    if head is not None and strategy in (None, MergeStrategy.VERSIONED):
        shown = lake.head(head.key)
        if shown is None or shown.etag != head.etag:
            raise CommitConflict(f"{head.key}, which the head of {prefix} names, was replaced or removed", file=head.key)
        return TableObjects(prefix, (shown,), int(head.planned_at.timestamp() * 1000))
    table = appended_table(lake, workflow_slug, job_slug)
    version = files_version(table.objects, replaced=table.record.replaced_files)
    return TableObjects(prefix, table.objects, version) if table.objects else None


def appended_table(lake: Lake, workflow_slug: str, job_slug: str) -> AppendedTable:
    """The files of an appended table, by key: those that are the table now, and those that a rebuild or a compaction replaced."""
    # The record is read first: a file that it names is there, and one that came since is listed.
    record = read_table_record(lake, keys.silver_table_key(workflow_slug, job_slug))
    prefix = keys.silver_prefix(workflow_slug, job_slug)
    objects: list[ObjectVersion] = []
    replaced: list[ObjectVersion] = []
    for item in lake.list_objects(prefix):
        if keys.is_dated(item.key, prefix):
            (replaced if record.replaces(item.key, workflow_slug, job_slug) else objects).append(item)
    return AppendedTable((workflow_slug, job_slug), record, tuple(objects), tuple(replaced))


def files_version(files: Sequence[ObjectVersion], *, replaced: int = 0) -> int:
    """A number that grows with every file that comes on top, also where old files were removed in the meantime.

    S3 tells the time of a file in whole seconds, so the number of files decides within one, with those that were ``replaced`` by
    others.
    """
    newest = max((int(item.last_modified.timestamp()) for item in files), default=0)
    return newest * FILES_PER_SECOND + len(files) + replaced
