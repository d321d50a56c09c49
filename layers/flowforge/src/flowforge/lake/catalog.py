"""The Glue Data Catalog of a stage: a database for each layer, tables that are changed under optimistic locking.

A table has a version, and UpdateTable with a version that is no longer the table's is refused; so whoever reads the version,
then looks at the lake, then writes what it saw can never put an older state in the place of a newer one. Partitions have no
version: they are written before their table, by the same rule.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.service_errors import THROTTLED, code_of, translate
from flowforge.model.errors import ConfigFault, FlowForgeError, RetryLater
from flowforge.model.layer import Layer

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_glue import GlueClient

BATCH = 100
"""Partitions in one request (https://docs.aws.amazon.com/glue/latest/webapi/API_BatchCreatePartition.html)."""
CONNECT_SECONDS = 5
RECORD_COUNT, SIZE_BYTES, OBJECT_COUNT = "recordCount", "sizeKey", "objectCount"
"""What a table says of its rows, bytes and objects, in the parameters that Glue's crawlers write."""
_INPUT_FIELDS = (
    "Name",
    "Description",
    "Owner",
    "LastAccessTime",
    "LastAnalyzedTime",
    "Retention",
    "StorageDescriptor",
    "PartitionKeys",
    "ViewOriginalText",
    "ViewExpandedText",
    "TableType",
    "Parameters",
    "TargetTable",
)
"""What TableInput takes of what GetTable answers."""


@dataclass(frozen=True)
class CatalogTable:
    """A table as GetTable answers, less what UpdateTable does not take, and the version to name when it is changed."""

    layer: Layer
    input: dict[str, Any]
    version_id: str | None

    @property
    def name(self) -> str:
        """The table's name in its database."""
        return str(self.input["Name"])

    @property
    def parameters(self) -> dict[str, str]:
        """What the table says of itself: ours and those of others."""
        return dict(self.input.get("Parameters") or {})

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Names and types, without the partition's key."""
        return columns_of(self.input)

    @property
    def is_view(self) -> bool:
        """Whether it holds no rows of its own."""
        return self.input.get("TableType") == "VIRTUAL_VIEW"


class Catalog:
    """The databases of a stage. The client is made when it is first needed: it takes a function 40 ms."""

    def __init__(self, stage: str, connect: "Callable[[], GlueClient]") -> None:
        self.stage = stage
        self._connect = connect

    @classmethod
    def connect(cls, stage: str, session: "boto3.session.Session", *, endpoint_url: str | None = None) -> "Catalog":
        """The catalog of the session's account."""
        config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=CONNECT_SECONDS)
        return cls(stage, lambda: session.client("glue", endpoint_url=endpoint_url, config=config))

    @cached_property
    def client(self) -> "GlueClient":
        """The client of Glue."""
        return self._connect()

    def database(self, layer: Layer) -> str:
        """The database of a layer."""
        return f"flowforge_{self.stage}_{layer.value}"

    def table(self, layer: Layer, name: str) -> CatalogTable | None:
        """A table or a view, or None where there is none."""
        try:
            answer = self.client.get_table(DatabaseName=self.database(layer), Name=name)["Table"]
        except (ClientError, BotoCoreError) as error:
            if _is(error, "EntityNotFoundException"):
                return None
            raise self._translated(error, f"looking at the table {self.database(layer)}.{name}") from error
        return _catalog_table(layer, answer)

    def tables(self, layer: Layer) -> list[CatalogTable]:
        """The tables and views of a layer, by name."""
        try:
            pages = self.client.get_paginator("get_tables").paginate(DatabaseName=self.database(layer))
            found = [_catalog_table(layer, table) for page in pages for table in page["TableList"]]
        except (ClientError, BotoCoreError) as error:
            if _is(error, "EntityNotFoundException"):
                return []
            raise self._translated(error, f"listing the tables of {self.database(layer)}") from error
        return sorted(found, key=lambda table: table.name)

    def create(self, layer: Layer, table: Mapping[str, Any]) -> bool:
        """Create a table, and its database where that is missing. False where somebody else was first."""
        name = f"{self.database(layer)}.{table['Name']}"
        for database_is_there in (False, True):
            try:
                self.client.create_table(DatabaseName=self.database(layer), TableInput=table)  # type: ignore[arg-type]
                return True
            except (ClientError, BotoCoreError) as error:
                if _is(error, "AlreadyExistsException"):
                    return False
                if database_is_there or not _is(error, "EntityNotFoundException"):
                    raise self._translated(error, f"creating the table {name}") from error
            self._create_database(layer)
        raise ConfigFault(f"creating the table {name}: its database does not stay")

    def update(self, layer: Layer, table: Mapping[str, Any], *, version_id: str | None) -> bool:
        """Change a table that is still at this version. False where it is not, or is gone."""
        version = {"VersionId": version_id} if version_id else {}
        try:
            self.client.update_table(
                DatabaseName=self.database(layer),
                TableInput=table,  # type: ignore[arg-type]
                # The lake keeps its own past; Glue keeps no more than a number of old versions of all tables together.
                SkipArchive=True,
                **version,  # type: ignore[arg-type]
            )
        except (ClientError, BotoCoreError) as error:
            if _is(error, "ConcurrentModificationException", "EntityNotFoundException"):
                return False
            raise self._translated(error, f"changing the table {self.database(layer)}.{table['Name']}") from error
        return True

    def delete(self, layer: Layer, name: str) -> None:
        """Remove a table or a view; its objects stay. One that is not there is no error."""
        try:
            self.client.delete_table(DatabaseName=self.database(layer), Name=name)
        except (ClientError, BotoCoreError) as error:
            if not _is(error, "EntityNotFoundException"):
                raise self._translated(error, f"removing the table {self.database(layer)}.{name}") from error

    def partitions(self, layer: Layer, name: str, *, with_columns: bool = False) -> dict[str, dict[str, Any]]:
        """The partitions of a table by their value, as GetPartitions answers; their columns only where they are asked for.

        A table that is not there has none.
        """
        try:
            pages = self.client.get_paginator("get_partitions").paginate(
                DatabaseName=self.database(layer), TableName=name, ExcludeColumnSchema=not with_columns
            )
            return {partition["Values"][0]: dict(partition) for page in pages for partition in page["Partitions"]}
        except (ClientError, BotoCoreError) as error:
            if _is(error, "EntityNotFoundException"):
                return {}
            raise self._translated(error, f"listing the partitions of {self.database(layer)}.{name}") from error

    def put_partitions(self, layer: Layer, name: str, partitions: Sequence[Mapping[str, Any]], *, present: set[str]) -> bool:
        """Create partitions, or change those whose value is ``present``. False where others were faster, or the table is gone."""
        database = self.database(layer)
        fresh = [partition for partition in partitions if partition["Values"][0] not in present]
        known = [partition for partition in partitions if partition["Values"][0] in present]
        errors: list[Any] = []
        try:
            for batch in _batches(fresh):
                errors += self.client.batch_create_partition(
                    DatabaseName=database,
                    TableName=name,
                    PartitionInputList=batch,  # type: ignore[arg-type]
                ).get("Errors", [])
            for batch in _batches(known):
                errors += self.client.batch_update_partition(
                    DatabaseName=database,
                    TableName=name,
                    Entries=[{"PartitionValueList": item["Values"], "PartitionInput": item} for item in batch],  # type: ignore[typeddict-item]
                ).get("Errors", [])
        except (ClientError, BotoCoreError) as error:
            if _is(error, "EntityNotFoundException"):
                return False
            raise self._translated(error, f"changing the partitions of {database}.{name}") from error
        return not self._lost(errors, f"{database}.{name}")

    def delete_partition(self, layer: Layer, name: str, value: str) -> None:
        """Remove a partition; its objects stay. One that is not there is no error."""
        try:
            self.client.delete_partition(DatabaseName=self.database(layer), TableName=name, PartitionValues=[value])
        except (ClientError, BotoCoreError) as error:
            if not _is(error, "EntityNotFoundException"):
                what = f"removing the partition {value} of {self.database(layer)}.{name}"
                raise self._translated(error, what) from error

    def _create_database(self, layer: Layer) -> None:
        database = self.database(layer)
        try:
            self.client.create_database(DatabaseInput={"Name": database, "Description": f"FlowForge {self.stage}, {layer}"})
        except (ClientError, BotoCoreError) as error:
            if not _is(error, "AlreadyExistsException"):
                raise self._translated(error, f"creating the database {database}") from error

    @staticmethod
    def _lost(errors: Sequence[Any], table: str) -> bool:
        """Whether partitions came or went meanwhile. Raises RetryLater or ConfigFault for every other error of a batch."""
        for error in errors:
            detail = error.get("ErrorDetail", {})
            if detail.get("ErrorCode") not in ("AlreadyExistsException", "EntityNotFoundException"):
                fault = RetryLater if detail.get("ErrorCode") in THROTTLED else ConfigFault
                message = f"{detail.get('ErrorCode')}: {detail.get('ErrorMessage')}"
                raise fault(f"changing the partitions of {table}: Glue answered {message}")
        return bool(errors)

    @staticmethod
    def _translated(error: Exception, what: str) -> FlowForgeError:
        return translate(error, what, service="Glue")


def columns_of(table: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and types of a table or of a partition, as Glue holds them."""
    return [(column["Name"], column.get("Type", "")) for column in table.get("StorageDescriptor", {}).get("Columns", [])]


def _catalog_table(layer: Layer, answer: Mapping[str, Any]) -> CatalogTable:
    # The emulator answers with empty texts, which UpdateTable refuses.
    kept = {field: answer[field] for field in _INPUT_FIELDS if answer.get(field) not in (None, "")}
    return CatalogTable(layer, kept, answer.get("VersionId"))


def _is(error: Exception, *codes: str) -> bool:
    return isinstance(error, ClientError) and code_of(error) in codes


def _batches(items: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
