"""Options of today's FlowForge for sources and Bronze that this version does not have, each with the reason.

They are refused when a workflow is saved. docs/reference/bronze-formats.md lists them.
"""

from collections.abc import Mapping

from pydantic.alias_generators import to_camel

DATABASES = "databases are not read yet"
PLACES = "it names a place and no format: copy the files to the job's landing folder in S3"
TYPES = {
    **dict.fromkeys(
        ("sql-server", "postgresql", "mysql", "oracle", "snowflake"), f"{DATABASES}: export the table to Parquet or CSV"
    ),
    **dict.fromkeys(("mongodb", "cassandra", "documentdb"), f"{DATABASES}: export the collection to JSON lines"),
    **dict.fromkeys(("s3", "azure-blob", "gcs", "sftp"), PLACES),
    "api": "interfaces over HTTP are not read yet: store the answers as JSON in the job's landing folder",
}
SOURCE = {
    "databaseConfig": DATABASES,
    "connection": DATABASES,
    "apiConfig": "interfaces over HTTP are not read yet",
    "landingKey": "a run's files are chosen by filePattern, or by `files` of the message that starts it",
}
STORAGE_FORMATS = dict.fromkeys(("iceberg", "delta"), "a table is Parquet files, and a head that names the present ones")
LAYER = {
    "tableName": "a table is named by the slugs of workflow and job (Gold: by dataset), which no other table can take",
    "partitionKeys": "files lie by the day of their run, and a column's minimum and maximum in each file prune as partitions do",
    "retentionDays": "how long objects are kept is a setting of the stage, which S3's lifecycle rules carry out",
}
LOAD_STRATEGIES = {
    "full_refresh": "Bronze keeps every run's file; silverConfig.mergeStrategy 'replace' makes the run's rows the table",
    "incremental": f"it reads by a watermark, and {DATABASES}",
}
BRONZE = {
    "auditColumnsSourceSystem": "_source_file names the file that a row comes from, and the job its system",
    "auditColumnsFileModified": "S3 keeps when a file arrived and not when it was modified; _ingested_at is the run's time",
    **dict.fromkeys(
        ("watermarkColumn", "watermarkType", "lookbackWindowHours"), f"a watermark belongs to a database, and {DATABASES}"
    ),
    "partitionStrategy": "Bronze lies by the day of its run",
}


def without_unsupported(value: object, reasons: Mapping[str, str]) -> object:
    """Pass a definition's mapping on. Raises ValueError where it sets an option of ``reasons`` (camelCase name to reason).

    An option that is null, false or empty asks for nothing, and a form writes every field it has, so such a one is dropped.
    """
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, setting in value.items():
        option = to_camel(name) if "_" in name else name
        if option not in reasons:
            kept[name] = setting
        elif setting not in (None, False, "", [], (), {}):
            raise ValueError(f"{option} is not supported by this version: {reasons[option]}")
    return kept


def refuse_value(value: object, option: str, reasons: Mapping[str, str]) -> None:
    """Raise ValueError where a definition's mapping gives an option (camelCase) a value of ``reasons``."""
    setting = value.get(option) if isinstance(value, dict) else None
    if isinstance(setting, str) and setting in reasons:
        raise ValueError(f"{option} {setting!r} is not supported by this version: {reasons[setting]}")
