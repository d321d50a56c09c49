"""Files whose columns Athena cannot read as the table's types are written again in those types.

A contract that gives a column another type (text for integer, a number for a column that had no value yet) leaves older files
behind that no query could read any more. Bronze and quarantine are left as they came; there the partition says the type.
"""

import re
from collections.abc import Mapping, Sequence

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
    metadata = {name: value for name, value in parquet_metadata(lake, present.key).items() if name.startswith("flowforge.")}
    try:
        frame = scan(lake, present.key)
        schema = frame.collect_schema()
        if None in targets.values() or _loses(frame, schema, targets):
            return file
        casts = [_cast(name, schema[name], target).alias(name) for name, target in targets.items() if target is not None]
        written = attempt.write(frame.with_columns(casts), "retyped.parquet", metadata=metadata)
        if written.rows != file.rows:
            raise CommitConflict(f"{present.key} holds {file.rows} rows and {written.rows} were written", file=present.key)
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


def _cast(name: str, old: pl.DataType, new: pl.DataType) -> pl.Expr:
    """A column in another type; a value that does not fit is an error of the engine when it is read."""
    column = pl.col(name)
    if old == pl.String and new == pl.Date:
        return column.str.to_date("%Y-%m-%d", strict=True)
    if old == pl.String and isinstance(new, pl.Datetime):
        return column.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=True)
    if old.is_temporal() and new == pl.String:
        return column.dt.to_string("iso")
    return column.cast(new, strict=True)


def _loses(frame: pl.LazyFrame, schema: pl.Schema, targets: Mapping[str, pl.DataType | None]) -> bool:
    """Whether a number would be rounded: it is not the same when it comes back to its old type."""
    numbers = {name: new for name, new in targets.items() if new is not None and new.is_numeric() and schema[name].is_numeric()}
    changed = [(_cast(name, schema[name], new).cast(schema[name]) != pl.col(name)).any() for name, new in numbers.items()]
    return bool(changed) and any(frame.select(pl.any_horizontal(changed)).collect().to_series().to_list())


def _polars_type(athena: str) -> pl.DataType | None:
    """The type of a column, or None for a nested one, of which nothing says how its values become others."""
    decimal = _DECIMAL.fullmatch(athena)
    return pl.Decimal(int(decimal[1]), int(decimal[2])) if decimal else _POLARS.get(athena)
