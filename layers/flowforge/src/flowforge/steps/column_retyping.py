"""Files whose columns Athena cannot read as the table's types are written again in those types.

A contract that gives a column another type (text for integer, a number for a column that had no value yet) leaves older files
behind that no query could read any more. Bronze and quarantine are left as they came; there the partition says the type.
"""

import re
from collections.abc import Sequence

import polars as pl

from flowforge.lake.lake import Lake
from flowforge.lake.publish import ATTEMPT_ID, RUN_ID, TABLE_VERSION, publish
from flowforge.medallion.column_union import Column, is_readable_as
from flowforge.model.errors import CommitConflict
from flowforge.steps.attempt import Attempt, scan
from flowforge.steps.silver_identity import parquet_metadata
from flowforge.steps.table_files import TableFile, read_footers

_POLARS: dict[str, pl.DataType] = {
    "boolean": pl.Boolean(),
    "tinyint": pl.Int8(),
    "smallint": pl.Int16(),
    "int": pl.Int32(),
    "bigint": pl.Int64(),
    "float": pl.Float32(),
    "double": pl.Float64(),
    "string": pl.String(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us"),
}
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def unreadable_columns(file: TableFile, columns: Sequence[Column]) -> dict[str, str]:
    """The columns of a file, under their own names, that cannot be read as the table's types, each with that type."""
    wanted = dict(columns)
    return {
        name: wanted[name.lower()]
        for name, dtype in file.columns
        if name.lower() in wanted and not is_readable_as(dtype, wanted[name.lower()])
    }


def retyped(lake: Lake, files: Sequence[TableFile], columns: Sequence[Column]) -> list[TableFile]:
    """The files, after those that need it, and can hold the types without a loss, were written again."""
    return [_retyped(lake, file, wanted) if (wanted := unreadable_columns(file, columns)) else file for file in files]


def _retyped(lake: Lake, file: TableFile, wanted: dict[str, str]) -> TableFile:
    targets = {name: _polars_type(dtype) for name, dtype in wanted.items()}
    present = lake.head(file.object.key)
    if present is None or present.etag != file.object.etag:
        raise CommitConflict(f"{file.object.key} was replaced while it was read", file=file.object.key)
    run_id = present.metadata.get(RUN_ID, "")
    attempt = Attempt(lake, run_id)
    casts = [pl.col(name).cast(target, strict=True) for name, target in targets.items() if target is not None]
    metadata = {name: value for name, value in parquet_metadata(lake, present.key).items() if name.startswith("flowforge.")}
    try:
        written = attempt.write(scan(lake, present.key).with_columns(casts), "retyped.parquet", metadata=metadata)
        if len(casts) < len(targets) or written.rows != file.rows:
            return file
        version = present.metadata.get(TABLE_VERSION)
        publish(
            lake,
            written.version,
            present.key,
            run_id=run_id,
            attempt_id=present.metadata.get(ATTEMPT_ID, ""),
            replaces=present.etag,
            table_version=int(version) if version else None,
        )
    except pl.exceptions.InvalidOperationError:
        # A value does not fit the type: the file stays as it is, and its partition says which type it has.
        return file
    finally:
        attempt.discard()
    return read_footers(lake, [item for item in lake.list_objects(present.key) if item.key == present.key])[0]


def _polars_type(athena: str) -> pl.DataType | None:
    """The type of a column, or None for a nested one, of which nothing says how its values become others."""
    decimal = _DECIMAL.fullmatch(athena)
    return pl.Decimal(int(decimal[1]), int(decimal[2])) if decimal else _POLARS.get(athena)
