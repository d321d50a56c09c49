"""What the catalog is told of a table: its columns, its partitions, how much it holds, and whose it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flowforge.lake.catalog import OBJECT_COUNT, RECORD_COUNT, SIZE_BYTES, Catalog, CatalogTable, columns_of
from flowforge.lake.heads import read_head
from flowforge.lake.lake import Lake
from flowforge.lake.lake_tables import LakeTable
from flowforge.lake.small_files import small_file_debt
from flowforge.medallion.column_union import Column, catalog_columns, column_union, is_readable_as
from flowforge.model.layer import Layer
from flowforge.steps.column_retyping import retyped
from flowforge.steps.context import CONTRACT_VERSION_METADATA, PLANNED_AT_METADATA, RUN_ID_METADATA
from flowforge.steps.silver_identity import parquet_metadata
from flowforge.steps.table_files import TableFile, read_footers

OWNER, PREFIX = "flowforge.owner", "flowforge.prefix"
WHOLE = "flowforge.whole"
"""Says that every folder of the table was looked at once, so that later runs look at their own alone."""
NEWEST = "flowforge.newest"
SMALL_FILES = "flowforge.small_files"
RUN_DATE = "run_date"
FILES = "files.txt"
REWRITTEN = (Layer.SILVER, Layer.GOLD)
"""Where files are written again for the type of a column; in the other layers rows stay as they came."""
_SERDE: Mapping[str, Any] = {
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}
_FORMAT: Mapping[str, Any] = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    **_SERDE,
}
_LISTED: Mapping[str, Any] = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    **_SERDE,
}
"""Of a place that holds lists of files (https://athena.guide/articles/stitching-tables-with-symlinktextinputformat/)."""


@dataclass(frozen=True)
class Entry:
    """What a table says of itself: its columns and those parameters that are ours."""

    columns: Sequence[Column]
    parameters: Mapping[str, str]

    def applied_to(self, present: CatalogTable) -> dict[str, Any]:
        """The TableInput of the table with this in it, and with everything that people wrote as it was."""
        storage = dict(present.input.get("StorageDescriptor") or {})
        storage["Columns"] = _described(self.columns, storage.get("Columns", []))
        return {
            **present.input,
            "StorageDescriptor": storage,
            "Parameters": {**present.parameters, **self.parameters},
        }


@dataclass(frozen=True)
class Partition:
    """A day of a dated table. ``known``: the catalog has it; ``changed``: it does not say this of it.

    ``location``: the day's folder, or the place of the list of its files, which is ``listed`` where it was looked at.
    """

    day: date
    location: str
    columns: Sequence[Column]
    parameters: Mapping[str, str]
    known: bool
    changed: bool
    listed: str | None = None

    @property
    def value(self) -> str:
        """The partition's value in the catalog."""
        return self.day.isoformat()

    def number(self, parameter: str) -> int:
        """A number that the partition says of itself."""
        return int(self.parameters.get(parameter, "0"))


def table_input(lake: Lake, table: LakeTable) -> dict[str, Any]:
    """The TableInput of a table before anything is known of its rows."""
    key = RUN_DATE
    if table.dated:
        files = read_footers(lake, table.objects(lake)[:1])
        # The product keeps names that begin with "_" for itself, so no column of the data has this one.
        key = f"_{RUN_DATE}" if any(RUN_DATE in dict(catalog_columns(file.columns)) for file in files) else RUN_DATE
    return {
        "Name": table.name,
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": key, "Type": "date"}] if table.dated else [],
        "StorageDescriptor": {"Columns": [], "Location": lake.uri(table.prefix), **_FORMAT},
        "Parameters": {
            "EXTERNAL": "TRUE",
            "classification": "parquet",
            OWNER: table.owner,
            PREFIX: table.prefix,
        },
    }


def partition_key(table: CatalogTable) -> str:
    """The name of the column that tells the day of a dated table's rows."""
    return str(table.input["PartitionKeys"][0]["Name"])


def partition_input(lake: Lake, table: LakeTable, partition: Partition) -> dict[str, Any]:
    """The PartitionInput of a day."""
    columns = [{"Name": name, "Type": dtype} for name, dtype in partition.columns]
    form = _FORMAT if partition.location == lake.uri(table.folder(partition.day)) else _LISTED
    return {
        "Values": [partition.value],
        "StorageDescriptor": {"Columns": columns, "Location": partition.location, **form},
        "Parameters": dict(partition.parameters),
    }


def single_entry(lake: Lake, table: LakeTable, present: CatalogTable) -> Entry:
    """The entry of a table that is one object: the object as it is now."""
    files = read_footers(lake, table.objects(lake))
    columns = catalog_columns(files[0].columns) if files else present.columns
    parameters = _totals(files)
    if files:
        metadata = parquet_metadata(lake, files[0].object.key)
        parameters |= {"flowforge.head": lake.uri(files[0].object.key), **_provenance(metadata)}
    return Entry(columns, parameters)


def dated_entry(
    lake: Lake, catalog: Catalog, table: LakeTable, present: CatalogTable, day: date | None
) -> tuple[Entry, list[Partition]]:
    """The entry of a table of dated files, and every partition that it has: those of the days that were looked at anew."""
    known = catalog.partitions(table.layer, table.name)
    locations = _locations(lake, table)
    moved = [value for value, item in known.items() if _location(item) != locations.of(date.fromisoformat(value))]
    if WHOLE not in present.parameters or (day and set(moved) - {day.isoformat()}):
        day = None
    files = read_footers(lake, table.objects(lake, day))
    days = {found for file in files if (found := table.day_of(file.object.key))} | ({day} if day else set())
    reserved = (partition_key(present),)
    columns, newest = _columns(lake, present, files, reserved)
    widened = list(columns) != present.columns
    if widened:
        known = catalog.partitions(table.layer, table.name, with_columns=True)
    if table.layer in REWRITTEN:
        if _needs_older_files(present.columns, columns):
            files, day = read_footers(lake, table.objects(lake)), None
        files = retyped(lake, files, columns)
    partitions = []
    for found in sorted(days | {date.fromisoformat(value) for value in known}):
        before = known.get(found.isoformat())
        said = dict(before.get("Parameters") or {}) if before else {}
        looked_at = day is None or found == day
        of_day = [file for file in files if table.day_of(file.object.key) == found]
        if looked_at and not of_day and before is None:
            continue
        parameters = {**said, **_totals(of_day)} if looked_at else said
        of_partition = _partition_columns(columns, of_day, columns_of(before) if before else [])
        location = locations.of(found)
        changed = (
            before is None
            or parameters != said
            or _location(before) != location
            or (widened and columns_of(before) != of_partition)
        )
        listed = locations.listed(of_day) if looked_at and locations.is_listed(found) else None
        partitions.append(
            Partition(found, location, of_partition, parameters, known=before is not None, changed=changed, listed=listed)
        )
    totals = {
        name: str(sum(item.number(name) for item in partitions)) for name in (RECORD_COUNT, SIZE_BYTES, OBJECT_COUNT, SMALL_FILES)
    }
    parameters = {**totals, **newest, WHOLE: "true"}
    head = read_head(lake, table.head_key) if table.head_key else None
    if head is not None:
        parameters |= {"flowforge.head": lake.uri(head.key), "flowforge.run_id": head.run_id}
    return Entry(columns, parameters), partitions


@dataclass(frozen=True)
class _Locations:
    """Where the files of each day of a table are found: in the day's folder, unless files that were replaced lie there too."""

    lake: Lake
    table: LakeTable
    mixed_days: frozenset[date]

    def is_listed(self, day: date) -> bool:
        """Whether the day's files are told by a list."""
        return day in self.mixed_days

    def of(self, day: date) -> str:
        """The location of a day's partition."""
        place = self.table.manifest_prefix(day) if self.is_listed(day) else None
        return self.lake.uri(place or self.table.folder(day))

    def listed(self, files: Sequence[TableFile]) -> str:
        """The list of a day's files."""
        return "".join(f"{self.lake.uri(file.object.key)}\n" for file in files)


def _locations(lake: Lake, table: LakeTable) -> _Locations:
    days = (table.day_of(item.key) for item in table.replaced(lake))
    return _Locations(lake, table, frozenset(day for day in days if day))


def _location(partition: Mapping[str, Any]) -> str:
    return str(partition["StorageDescriptor"].get("Location", ""))


def list_files(lake: Lake, table: LakeTable, partition: Partition) -> None:
    """Store the list of a day's files, where there is to be one and it says something else."""
    place = table.manifest_prefix(partition.day)
    if place is None or partition.listed is None:
        return
    stored = lake.read(f"{place}{FILES}")
    if stored is None or stored[0] != partition.listed.encode():
        lake.overwrite(f"{place}{FILES}", partition.listed)


def _needs_older_files(before: Sequence[Column], columns: Sequence[Column]) -> bool:
    """Whether a column has a type in which the files of other days cannot be read."""
    wanted = dict(columns)
    return any(not is_readable_as(dtype, wanted[name]) for name, dtype in before)


def _partition_columns(columns: Sequence[Column], files: Sequence[TableFile], before: Sequence[Column]) -> list[Column]:
    """The table's columns, each in the type that the partition's files have where the table's cannot read them."""
    own = {name.lower(): dtype for file in files for name, dtype in file.columns} or dict(before)
    return [(name, dtype if is_readable_as(own.get(name, dtype), dtype) else own[name]) for name, dtype in columns]


def _columns(
    lake: Lake, present: CatalogTable, files: Sequence[TableFile], reserved: Sequence[str]
) -> tuple[list[Column], dict[str, str]]:
    """The columns of the table with those of the files, and the run that was planned last of all that were looked at."""
    columns, newest, parameters = present.columns, present.parameters.get(NEWEST, ""), {}
    for file in files:
        metadata = parquet_metadata(lake, file.object.key)
        order = f"{metadata.get(PLANNED_AT_METADATA, '')} {metadata.get(RUN_ID_METADATA, '')}"
        is_newer = order >= newest
        columns = column_union(columns, catalog_columns(file.columns, reserved=reserved), fresh_is_newer=is_newer)
        if is_newer:
            newest, parameters = order, {NEWEST: order, **_provenance(metadata)}
    return columns, parameters


def _provenance(metadata: Mapping[str, str]) -> dict[str, str]:
    """Which run wrote a file, when it was planned, and by which contract."""
    names = (RUN_ID_METADATA, PLANNED_AT_METADATA, CONTRACT_VERSION_METADATA)
    return {name: metadata[name] for name in names if name in metadata}


def _totals(files: Sequence[TableFile]) -> dict[str, str]:
    sizes = [file.object.size_bytes for file in files]
    return {
        RECORD_COUNT: str(sum(file.rows for file in files)),
        SIZE_BYTES: str(sum(sizes)),
        OBJECT_COUNT: str(len(files)),
        SMALL_FILES: str(small_file_debt(sizes)),
    }


def _described(columns: Sequence[Column], before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Columns for Glue, with whatever people noted on those that were there."""
    notes = {column["Name"]: {key: column[key] for key in ("Comment", "Parameters") if column.get(key)} for column in before}
    return [{"Name": name, "Type": dtype, **notes.get(name, {})} for name, dtype in columns]
