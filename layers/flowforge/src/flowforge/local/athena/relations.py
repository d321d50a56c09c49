"""Tables of the catalog as DuckDB sees them: the files at a table's or a partition's location, in the declared types.

What Athena would not read is not read here either: a file whose column cannot be taken for the declared type ends the query
with HIVE_BAD_DATA, and files whose names begin with ``_`` or ``.`` are no data.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb

from flowforge.lake.latest_view import quoted, view_sql
from flowforge.local.athena.errors import QueryError
from flowforge.medallion.column_union import is_readable_as

PATH_COLUMN = "$path"
LISTS = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"
"""The format of a place whose objects list those that hold the rows."""
ATHENA_OF_DUCKDB = {
    "BOOLEAN": "boolean",
    "TINYINT": "tinyint",
    "SMALLINT": "smallint",
    "INTEGER": "int",
    "BIGINT": "bigint",
    "FLOAT": "float",
    "DOUBLE": "double",
    "VARCHAR": "string",
    "BLOB": "binary",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}
_DUCKDB = {
    "string": "VARCHAR",
    "int": "INTEGER",
    "float": "FLOAT",
    "double": "DOUBLE",
    "binary": "BLOB",
}
_NESTED = ("array<", "map<", "struct<")


@dataclass
class Tables:
    """Reads tables for one query. ``folder`` takes copies of their files; ``scanned_bytes`` counts them."""

    client: Callable[[str], Any]
    folder: Path
    connection: duckdb.DuckDBPyConnection
    scanned_bytes: int = 0
    _copies: dict[tuple[str, str], Path] = field(default_factory=dict)

    def find(self, database: str, name: str) -> Mapping[str, Any]:
        """The table as GetTable answers. Raises QueryError where there is none."""
        glue = self.client("glue")
        try:
            found: Mapping[str, Any] = glue.get_table(DatabaseName=database, Name=name)["Table"]
        except glue.exceptions.EntityNotFoundException as error:
            place = f"awsdatacatalog.{database}.{name}"
            raise QueryError(f"TABLE_NOT_FOUND: Table '{place}' does not exist") from error
        return found

    @staticmethod
    def view(table: Mapping[str, Any]) -> str | None:
        """The SELECT of a view, or None for a table."""
        if table.get("TableType") != "VIRTUAL_VIEW":
            return None
        sql = view_sql(table.get("ViewOriginalText") or "")
        if sql is None:
            raise QueryError(f"INVALID_VIEW: '{table['Name']}' is no view of Athena's")
        return sql

    def relation(self, table: Mapping[str, Any], *, with_path: bool) -> str:
        """SQL that DuckDB takes for the table's rows; ``with_path`` adds the hidden column with each row's object."""
        columns = [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]]
        keys = [(key["Name"], key["Type"]) for key in table.get("PartitionKeys") or []]
        files: list[tuple[str, Path, Mapping[str, str]]] = []
        if keys:
            glue = self.client("glue")
            pages = glue.get_paginator("get_partitions").paginate(DatabaseName=table["DatabaseName"], TableName=table["Name"])
            for partition in (item for page in pages for item in page["Partitions"]):
                values = dict(zip((name for name, _ in keys), partition["Values"], strict=True))
                files += [(uri, copy, values) for uri, copy in self._files(partition["StorageDescriptor"])]
        else:
            files = [(uri, copy, {}) for uri, copy in self._files(table["StorageDescriptor"])]
        selects = [self._select(uri, copy, columns, keys, values, with_path=with_path) for uri, copy, values in files]
        if not selects:
            nothing = [f"CAST(NULL AS {_duckdb_type(dtype)}) AS {quoted(name)}" for name, dtype in (*columns, *keys)]
            nothing += [f"CAST(NULL AS VARCHAR) AS {quoted(PATH_COLUMN)}"] if with_path else []
            return f"SELECT {', '.join(nothing)} WHERE FALSE"
        return " UNION ALL ".join(selects)

    def _files(self, storage: Mapping[str, Any]) -> list[tuple[str, Path]]:
        """The objects at a place, or those that the objects there list."""
        found = []
        for bucket, key, size_bytes in self._objects(storage["Location"]):
            if storage.get("InputFormat") != LISTS:
                found.append((f"s3://{bucket}/{key}", self._copy(bucket, key)))
                self.scanned_bytes += size_bytes
                continue
            for uri in self._content(bucket, key).split():
                listed = urlsplit(uri)
                copy = self._copy(listed.netloc, listed.path.lstrip("/"))
                found.append((uri, copy))
                self.scanned_bytes += copy.stat().st_size
        return found

    def _content(self, bucket: str, key: str) -> str:
        body: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body.decode()

    def _objects(self, location: str) -> Iterator[tuple[str, str, int]]:
        parts = urlsplit(location)
        bucket, prefix = parts.netloc, parts.path.strip("/") + "/"
        s3 = self.client("s3")
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                below = item["Key"].removeprefix(prefix)
                if not below or any(part.startswith(("_", ".")) for part in below.split("/")):
                    continue
                yield bucket, item["Key"], item["Size"]

    def _copy(self, bucket: str, key: str) -> Path:
        if (bucket, key) not in self._copies:
            path = self.folder / f"{len(self._copies)}.parquet"
            self.client("s3").download_file(bucket, key, str(path))
            self._copies[bucket, key] = path
        return self._copies[bucket, key]

    def _select(
        self,
        uri: str,
        copy: Path,
        columns: Sequence[tuple[str, str]],
        keys: Sequence[tuple[str, str]],
        values: Mapping[str, str],
        *,
        with_path: bool,
    ) -> str:
        source = f"read_parquet({_text(str(copy))})"
        described = self.connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608 -- quoted
        # Athena knows no upper case; of names that differ in nothing else it reads the first.
        own = {name.lower(): (name, dtype) for name, dtype, *_ in reversed(described)}
        shown = [f"{_cast(own.get(name), name, dtype, uri)} AS {quoted(name)}" for name, dtype in columns]
        shown += [f"CAST({_text(values[name])} AS {_duckdb_type(dtype)}) AS {quoted(name)}" for name, dtype in keys]
        shown += [f"{_text(uri)} AS {quoted(PATH_COLUMN)}"] if with_path else []
        return f"SELECT {', '.join(shown)} FROM {source}"  # noqa: S608 -- quoted


def _cast(own: tuple[str, str] | None, name: str, declared: str, uri: str) -> str:
    """A column of a file in its declared type. Raises QueryError where Athena could not read it so."""
    if own is None:
        return f"CAST(NULL AS {_duckdb_type(declared)})"
    column, dtype = quoted(own[0]), own[1]
    if declared.startswith(_NESTED):
        return column
    found = ATHENA_OF_DUCKDB.get(dtype, dtype.lower())
    if not is_readable_as(found, declared):
        raise QueryError(
            f"HIVE_BAD_DATA: Field {name}'s type {dtype} in parquet file {uri} is incompatible with type {declared} defined in "
            "table schema"
        )
    if dtype == "TIMESTAMP WITH TIME ZONE":
        # The conversion of DuckDB's own needs an extension that would have to be downloaded.
        return f"make_timestamp(epoch_us({column}))"
    return f"CAST({column} AS {_duckdb_type(declared)})"


def _duckdb_type(declared: str) -> str:
    return "VARCHAR" if declared.startswith(_NESTED) else _DUCKDB.get(declared, declared.upper())


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
