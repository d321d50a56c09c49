"""Options of sources and of Bronze: supported, an alias, or refused when saved with the reason."""

from typing import Any

import pytest
from pydantic import ValidationError

from flowforge.model.destination import BronzeConfig, SchemaEvolution
from flowforge.model.gold import GoldConfig
from flowforge.model.layer import Compression
from flowforge.model.silver_config import SilverConfig
from flowforge.model.source import FileConfig, SourceConfig
from flowforge.model.source_format import SourceFormat


def test_a_job_reads_what_its_files_are() -> None:
    assert SourceConfig().type is SourceFormat.AUTO


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "excel", "fileConfig": {"sheetName": "A", "headerRow": 4, "skipRows": 3}},
        {"type": "excel", "fileConfig": {"sheetIndex": 0, "hasHeader": False}},
        {"type": "excel", "fileConfig": {"sheets": "all", "nullValues": ["n/a"]}},
        {"type": "json", "fileConfig": {"recordPath": "data.items"}},
        {"type": "parquet", "fileConfig": {"uploadMode": "directory"}},
        {"type": "auto", "fileConfig": {"recordPath": "data", "sheetName": "A"}},
        {"type": "csv", "databaseConfig": None, "connection": {}, "landingKey": ""},
    ],
)
def test_an_option_of_the_format_is_taken(definition: dict[str, Any]) -> None:
    SourceConfig.model_validate(definition)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"type": "csv", "fileConfig": {"sheetName": "A"}}, "sheetName: belongs to workbooks, and type is 'csv'"),
        ({"type": "excel", "fileConfig": {"recordPath": "a"}}, "recordPath: belongs to JSON"),
        ({"type": "json", "fileConfig": {"nullValues": ["NA"]}}, "null has a form of its own in json"),
        ({"fileConfig": {"hasHeader": False}}, "supported for workbooks only"),
        ({"fileConfig": {"sheetName": "A", "sheetIndex": 1}}, "give one of them"),
        ({"fileConfig": {"sheetIndex": -1}}, "greater than or equal to 0"),
        ({"fileConfig": {"recordPath": "a..b"}}, "should match pattern"),
        ({"fileConfig": {"uploadMode": "directory", "filePattern": "*.csv"}}, "with a filePattern it is 'pattern'"),
        ({"type": "excel", "fileConfig": {"headerRow": 2, "hasHeader": False}}, "says that there is none"),
        ({"type": "excel", "fileConfig": {"headerRow": 2, "skipRows": 2}}, "skipRows leaves out the header"),
        ({"type": "postgresql"}, "type 'postgresql' is not supported by this version: databases are not read yet"),
        ({"type": "sftp"}, "it names a place and no format"),
        ({"type": "api"}, "store the answers as JSON"),
        ({"type": "mongodb"}, "export the collection to JSON lines"),
        ({"databaseConfig": {"tableName": "orders"}}, "databaseConfig is not supported by this version: databases"),
        ({"landingKey": "landing/x"}, "landingKey is not supported"),
        ({"type": "avro"}, "'auto', 'csv', 'json', 'excel' or 'parquet'"),
    ],
)
def test_what_is_not_supported_is_refused_with_the_reason(definition: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SourceConfig.model_validate(definition)


def test_options_of_bronze_that_ask_for_what_it_does_are_taken() -> None:
    config = BronzeConfig.model_validate(
        {
            "enabled": True,
            "loadStrategy": "append",
            "storageFormat": "parquet",
            "compression": "snappy",
            "auditColumns": True,
            "auditColumnsBatchId": True,
            "auditColumnsSourceSystem": False,
            "watermarkColumn": "",
            "partitionKeys": [],
            "retentionDays": None,
            "schemaEvolution": "ignore_extra",
        }
    )
    assert (config.compression, config.schema_evolution) == (Compression.SNAPPY, SchemaEvolution.IGNORE_EXTRA)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("loadStrategy", "full_refresh", "mergeStrategy 'replace' makes the run's rows the table"),
        ("loadStrategy", "incremental", "databases are not read yet"),
        ("auditColumns", False, "cannot be switched off"),
        ("auditColumnsSourceSystem", True, "_source_file names the file"),
        ("auditColumnsFileModified", True, "S3 keeps when a file arrived"),
        ("watermarkColumn", "updated_at", "a watermark belongs to a database"),
        ("lookbackWindowHours", 24, "a watermark belongs to a database"),
        ("partitionStrategy", "daily", "Bronze lies by the day of its run"),
        ("tableName", "orders", "named by the slugs"),
        ("partitionKeys", ["day"], "files lie by the day"),
        ("retentionDays", 90, "a setting of the stage"),
        ("storageFormat", "iceberg", "a table is Parquet files"),
        ("enabled", False, "each layer is made from the one before"),
        ("compression", "lz4", "'snappy', 'gzip', 'zstd' or 'none'"),
    ],
)
def test_other_options_of_bronze_are_refused_with_the_reason(option: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BronzeConfig.model_validate({option: value})


@pytest.mark.parametrize("layer", [BronzeConfig, SilverConfig, GoldConfig])
def test_every_layer_has_a_codec(layer: type[BronzeConfig | SilverConfig | GoldConfig]) -> None:
    assert layer.model_validate({"compression": "none"}).compression.codec == "uncompressed"
    assert layer().compression is Compression.ZSTD


def test_a_file_of_a_folder_below_is_none_of_the_job() -> None:
    assert FileConfig().wants("orders.json")
    assert not FileConfig().wants("more/orders.json")
