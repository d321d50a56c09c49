"""The catalog of a test's stage: what it says of its tables, and a copy of it for another bucket."""

import copy
import json
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.glue.models import glue_backends

from flowforge.lake.catalog import Catalog
from flowforge.lake.lake import Lake
from flowforge.model.layer import LAYERS_OF_TABLES

REGION = "us-east-1"


def cloned_catalog(lake: Lake, name: str) -> Catalog | None:
    """A catalog of another stage that says of the bucket ``{bucket}-{name}`` what the lake's says of its own."""
    if lake.catalog is None:
        return None
    original = lake.catalog
    clone = Catalog(f"{original.stage}_{name.replace('-', '_')}", lambda: original.client)
    databases = glue_backends[DEFAULT_ACCOUNT_ID][REGION].databases
    for layer in LAYERS_OF_TABLES:
        database = databases.get(original.database(layer))
        if database is None:
            continue
        database = copy.deepcopy(database)
        database.name = clone.database(layer)
        for table in database.tables.values():
            table.database_name = database.name
            table.versions = {number: _moved(version, lake.bucket, name) for number, version in table.versions.items()}
            for partition in table.partitions.values():
                partition.partition_input = _moved(partition.partition_input, lake.bucket, name)
        databases[database.name] = database
    return clone


def _moved(document: dict[str, Any], bucket: str, name: str) -> dict[str, Any]:
    moved: dict[str, Any] = json.loads(json.dumps(document).replace(bucket, f"{bucket}-{name}"))
    return moved


def catalog_state(lake: Lake) -> dict[str, Any]:
    """Everything that the catalog says of the lake, without the names of the bucket and of the stage."""
    assert lake.catalog is not None
    state: dict[str, Any] = {}
    for layer in LAYERS_OF_TABLES:
        for table in lake.catalog.tables(layer):
            said = {name: value for name, value in table.input.items() if not name.startswith("View")}
            partitions = {} if table.is_view else lake.catalog.partitions(layer, table.name, with_columns=True)
            own = {
                value: {"Parameters": item["Parameters"], "StorageDescriptor": item["StorageDescriptor"]}
                for value, item in partitions.items()
            }
            state[f"{layer}.{table.name}"] = json.loads(json.dumps([said, own], default=str).replace(lake.bucket, "BUCKET"))
    return state


def rows_in_catalog(lake: Lake) -> dict[str, int]:
    """How many rows the catalog counts in each table and view."""
    assert lake.catalog is not None
    return {
        f"{layer}.{table.name}": int(table.parameters["recordCount"])
        for layer in LAYERS_OF_TABLES
        for table in lake.catalog.tables(layer)
    }
