"""Options of sources and of Bronze, and those that contradict each other."""

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
        {"type": "excel", "fileConfig": {"skipFooterRows": 1, "delimiter": ",", "encoding": "utf-8"}},
        {"type": "csv", "fileConfig": {"skipRows": 1, "hasHeader": False, "nullValues": ["NA"]}},
        {"type": "json", "fileConfig": {"compressionType": "gzip", "filePath": "in/a.json.gz", "uploadMode": "single"}},
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
        ({"type": "json", "fileConfig": {"hasHeader": False}}, "hasHeader: belongs to delimited text and workbooks"),
        ({"type": "parquet", "fileConfig": {"skipFooterRows": 1}}, "skipFooterRows: belongs to delimited text and workbooks"),
        ({"type": "excel", "fileConfig": {"delimiter": ";"}}, "delimiter: belongs to delimited text, and type is 'excel'"),
        ({"type": "json", "fileConfig": {"encoding": "cp1252"}}, "encoding: belongs to delimited text"),
        ({"type": "excel", "fileConfig": {"onMalformedRow": "quarantine"}}, "onMalformedRow: belongs to delimited text"),
        ({"fileConfig": {"uploadMode": "directory", "filePath": "a.csv"}}, "with a filePath it is 'single'"),
        ({"fileConfig": {"sheetName": "A", "sheetIndex": 1}}, "give one of them"),
        ({"fileConfig": {"sheetIndex": -1}}, "greater than or equal to 0"),
        ({"fileConfig": {"recordPath": "a..b"}}, "should match pattern"),
        ({"fileConfig": {"uploadMode": "directory", "filePattern": "*.csv"}}, "with a filePattern it is 'pattern'"),
        ({"type": "excel", "fileConfig": {"headerRow": 2, "hasHeader": False}}, "says that there is none"),
        ({"type": "excel", "fileConfig": {"headerRow": 2, "skipRows": 2}}, "skipRows leaves out the header"),
        ({"type": "avro"}, "'auto', 'csv', 'json', 'excel' or 'parquet'"),
    ],
)
def test_options_that_do_not_go_together_are_refused_with_the_reason(definition: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SourceConfig.model_validate(definition)


def test_the_codec_and_the_policy_of_columns_have_a_few_values() -> None:
    config = BronzeConfig.model_validate({"compression": "snappy", "schemaEvolution": "ignore_extra"})
    assert (config.compression, config.schema_evolution) == (Compression.SNAPPY, SchemaEvolution.IGNORE_EXTRA)
    with pytest.raises(ValidationError, match="'snappy', 'gzip', 'zstd' or 'none'"):
        BronzeConfig.model_validate({"compression": "lz4"})


@pytest.mark.parametrize("layer", [BronzeConfig, SilverConfig, GoldConfig])
def test_every_layer_has_a_codec(layer: type[BronzeConfig | SilverConfig | GoldConfig]) -> None:
    assert layer.model_validate({"compression": "none"}).compression.codec == "uncompressed"
    assert layer().compression is Compression.ZSTD


def test_a_file_of_a_folder_below_is_none_of_the_job() -> None:
    assert FileConfig().wants("orders.json")
    assert not FileConfig().wants("more/orders.json")
