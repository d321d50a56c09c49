"""``flowforge assets``: which tables there are, what is in them, and where it comes from."""

from collections.abc import Mapping

import polars as pl
from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from flowforge.cli.endings import SUCCESS, say
from flowforge.cli.lake_access import LakeAccess
from flowforge.cli.preview import print_rows
from flowforge.cli.untrusted import cell, printable
from flowforge.lake.catalog import OBJECT_COUNT, RECORD_COUNT, SIZE_BYTES, CatalogTable
from flowforge.model.errors import ConfigFault
from flowforge.model.layer import LAYERS_OF_TABLES, Layer
from flowforge.model.step import StepResult
from flowforge.steps.attempt import scan
from flowforge.steps.catalog_entry import SMALL_FILES
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.known_tables import find_table, table_objects
from flowforge.steps.lineage_reader import run_of_table
from flowforge.steps.record_reader import find_record

NARROW = {"box": box.SIMPLE_HEAD, "padding": (0, 1, 0, 0), "pad_edge": False}


def list_assets(access: LakeAccess, console: Console) -> int:
    """Print every table and view of the catalog, with its size and its small-file debt."""
    table = Table("Table", "Kind", **NARROW)  # type: ignore[arg-type]
    for title in ("Rows", "Bytes", "Files", "Small files"):
        table.add_column(title, justify="right")
    table.add_column("Last run planned")
    for layer in LAYERS_OF_TABLES:
        for found in access.catalog.tables(layer):
            numbers = [_number(found.parameters, name) for name in (RECORD_COUNT, SIZE_BYTES, OBJECT_COUNT, SMALL_FILES)]
            rows, size, files, small = (f"{number:,}" if number is not None else "" for number in numbers)
            size = decimal(numbers[1]) if numbers[1] is not None else size
            planned = found.parameters.get("flowforge.planned_at", "")
            kind = "view" if found.is_view else "table"
            table.add_row(cell(f"{layer}.{found.name}"), kind, rows, size, files, small, cell(planned))
    if not table.row_count:
        say(console, "there are no tables yet: 'flowforge run' makes some")
        return SUCCESS
    console.print(table)
    return SUCCESS


def show_asset(access: LakeAccess, name: str, console: Console) -> int:
    """Print what the catalog says of one table: where it lies, whose it is, its columns and its days."""
    found = _registered(access, name)
    database = access.catalog.database(found.layer)
    storage = found.input.get("StorageDescriptor", {})
    facts = {
        "name in Athena": f"{database}.{found.name}",
        "description": found.input.get("Description", ""),
        "location": storage.get("Location", ""),
        **{name: value for name, value in sorted(found.parameters.items()) if name not in ("EXTERNAL", "presto_view", "comment")},
    }
    for fact, value in facts.items():
        if value:
            say(console, f"{fact:<26} {value}")
    columns = Table("Column", "Type", "Comment", **NARROW)  # type: ignore[arg-type]
    for column in (*storage.get("Columns", []), *found.input.get("PartitionKeys", [])):
        columns.add_row(cell(column["Name"]), cell(column.get("Type", "")), cell(column.get("Comment", "")))
    console.print(columns)
    if found.input.get("PartitionKeys"):
        days = Table("Day", **NARROW)  # type: ignore[arg-type]
        for title in ("Rows", "Bytes", "Files", "Small files"):
            days.add_column(title, justify="right")
        for value, partition in sorted(access.catalog.partitions(found.layer, found.name).items()):
            said = partition.get("Parameters", {})
            numbers = [_number(said, parameter) or 0 for parameter in (RECORD_COUNT, SIZE_BYTES, OBJECT_COUNT, SMALL_FILES)]
            days.add_row(value, f"{numbers[0]:,}", decimal(numbers[1]), f"{numbers[2]:,}", f"{numbers[3]:,}")
        console.print(days)
    return SUCCESS


def preview_asset(access: LakeAccess, name: str, *, rows: int, console: Console) -> int:
    """Print the first rows of a table, as the product reads it: of a table of runs, those of the run that it shows."""
    table = find_table(access.lake, name)
    objects = table_objects(access.lake, table)
    if not objects:
        raise ConfigFault(f"{table.layer}.{table.name} has no rows yet")
    with engine_errors(f"{objects[0].key} could not be read"):
        frame = scan(access.lake, objects[0].key).head(rows).collect()
        total = sum(scan(access.lake, item.key).select(pl.len()).collect().item() for item in objects)
    print_rows(console, f"{table.layer}.{table.name}", frame, total=total)
    return SUCCESS


def show_lineage(
    access: LakeAccess, name: str, *, run_id: str | None, source_file: str | None, row_number: int | None, console: Console
) -> int:
    """Print where a run's rows come from; with a file and a record, that record as it was read."""
    table = find_table(access.lake, name)
    if source_file is not None and row_number is not None:
        record = find_record(access.lake, table, run_id=run_id, source_file=source_file, row_number=row_number)
        say(console, f"record {row_number} of s3://{access.lake.bucket}/{record.source.key}")
        say(console, f"version {record.source.version_id or 'unknown'}, sha256 {record.source.sha256}")
        say(console, f"in Bronze: {record.bronze_key}")
        for column, value in record.row.items():
            say(console, f"  {column} = {'null' if value is None else value}")
        return SUCCESS
    results = run_of_table(access.lake, table, run_id)
    say(console, f"{table.layer}.{table.name}: run {results[-1].run_id}, execution {results[-1].execution_id}")
    for result in reversed(results):
        _print_result(console, result)
    columns = Table("Column", "Type", "Made of", **NARROW)  # type: ignore[arg-type]
    for origin in results[-1].lineage.columns:
        columns.add_row(cell(origin.column), cell(origin.type), cell(", ".join(origin.origins) or "the product's own"))
    console.print(columns)
    return SUCCESS


def _print_result(console: Console, result: StepResult) -> None:
    for output in result.outputs:
        say(console, f"{output.key} ({output.rows:,} rows)")
    for parent in result.lineage.parents:
        version = f", version {parent.version_id}" if parent.version_id else ""
        digest = f", sha256 {parent.sha256}" if parent.sha256 else ""
        say(console, f"  from {parent.key} ({decimal(parent.size_bytes)}{version}{digest})")


def _registered(access: LakeAccess, name: str) -> CatalogTable:
    layer, _, table_name = name.rpartition(".")
    for candidate in (Layer.GOLD, Layer.SILVER, Layer.BRONZE, Layer.QUARANTINE):
        if layer in ("", candidate.value):
            found = access.catalog.table(candidate, table_name)
            if found is not None:
                return found
    raise ConfigFault(f"the catalog has no table {printable(name)}; 'flowforge assets list' names those it has")


def _number(parameters: Mapping[str, str], name: str) -> int | None:
    value = parameters.get(name, "")
    return int(value) if value.isdigit() else None
