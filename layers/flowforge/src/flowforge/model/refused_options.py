"""Options that users of FlowForge know and that this version does not do, each with the reason and the way round it.

They are refused when a workflow is read. A value that asks for what happens anyway (``exportEnabled: false``) is taken out
and does no harm. Who implements an option removes it here; docs/reference/options.md lists all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NOTHING: tuple[object, ...] = (None, "", [], {})
"""An option left empty in a form."""
JOBS = "jobs"


@dataclass(frozen=True)
class Refusal:
    """Why an option is refused, and the values that change nothing."""

    reason: str
    harmless: tuple[object, ...] = ()

    def does_no_harm(self, value: object) -> bool:
        """Whether a value asks for what happens without the option. ``False`` and ``0`` are different values."""
        return any(type(value) is type(other) and value == other for other in (*NOTHING, *self.harmless))


NO_DATABASE = Refusal("this version reads files only; export the table to a file and let that land")
NO_SERVICE = Refusal("this version reads files that land in its bucket; copy them below the job's landing prefix")
NO_ENGINE_ID = Refusal("nothing is deployed per job: the state machine of the stage runs every workflow")
NO_SQL_OVER_A_SOURCE = Refusal(
    "a statement over a whole source could neither account for every row nor name the one that failed; use derivedColumns, "
    "filters and lookups, or SQL over Silver tables in a job of type gold-analytics"
)
OF_EVERY_LAYER = {
    "partitionKeys": Refusal("the keys of this layer have folders by day alone; in Gold partitionKeys cluster the rows"),
    "storageFormat": Refusal("objects are Parquet; Iceberg and Delta tables would need their own commits", ("parquet",)),
}
OPTIONS: dict[str, Refusal] = {
    "sourceConfig.id": Refusal("a source has no identity apart from its job's id"),
    "sourceConfig.name": Refusal("a source has no name apart from its job's"),
    "sourceConfig.connection": NO_DATABASE,
    "sourceConfig.databaseConfig": NO_DATABASE,
    "sourceConfig.apiConfig": Refusal("this version calls no API; let a program write what it answers into landing"),
    "sourceConfig.landingKey": Refusal(
        "an execution's input names landing keys in files; a job finds them by filePattern or filePath"
    ),
    "sourceConfig.prefect": Refusal(f"{NO_ENGINE_ID.reason}; the primary key is silverConfig.primaryKey"),
    "sourceConfig.fileConfig.matchedFiles": Refusal(
        "it lists what was there once; a run finds its files by filePattern or filePath when it is planned"
    ),
    "transformationConfig.customSql": NO_SQL_OVER_A_SOURCE,
    "transformationConfig.useDirectSql": Refusal(NO_SQL_OVER_A_SOURCE.reason, (False,)),
    "validationConfig.notificationEmail": Refusal("a stage tells one topic of every failure, to which an address is subscribed"),
    **{
        f"destinationConfig.{layer}Config.{option}": refusal
        for layer in ("bronze", "silver", "gold")
        for option, refusal in OF_EVERY_LAYER.items()
        if (layer, option) != ("gold", "partitionKeys")
    },
    "destinationConfig.bronzeConfig.enabled": Refusal("Silver is made of Bronze, so every run of files writes it", (True,)),
    "destinationConfig.bronzeConfig.loadStrategy": Refusal(
        "every run writes the whole of its files to keys of its own; what a run does to the table is silverConfig.mergeStrategy",
        ("append",),
    ),
    "destinationConfig.bronzeConfig.auditColumns": Refusal("the audit columns are how a row is found again", (True,)),
    "destinationConfig.bronzeConfig.auditColumnsSourceSystem": Refusal("_source_file tells the source", (False,)),
    "destinationConfig.bronzeConfig.auditColumnsFileModified": Refusal("the plan keeps each file's version", (False,)),
    "destinationConfig.bronzeConfig.watermarkColumn": NO_DATABASE,
    "destinationConfig.bronzeConfig.watermarkType": NO_DATABASE,
    "destinationConfig.bronzeConfig.lookbackWindowHours": NO_DATABASE,
    "destinationConfig.bronzeConfig.partitionStrategy": Refusal("Bronze has a folder for each day", ("date",)),
    "destinationConfig.goldConfig.denormalizationEnabled": Refusal(
        "a job of type gold-analytics joins Silver tables by SQL, and says by which columns", (False,)
    ),
    "destinationConfig.goldConfig.exportEnabled": Refusal(
        "this version writes to its own bucket alone; read the object that Gold's _head.json names", (False,)
    ),
    "destinationConfig.goldConfig.exportTargets": Refusal(
        "this version writes to its own bucket alone; read the object that Gold's _head.json names"
    ),
}
VALUES: dict[str, dict[str, Refusal]] = {
    "type": {
        "database": NO_DATABASE,
        "nosql": NO_DATABASE,
        "api": Refusal("this version calls no API; let a program write what it answers into landing"),
    },
    "sourceConfig.type": {
        **dict.fromkeys(
            ("sql-server", "postgresql", "oracle", "mysql", "snowflake", "mongodb", "cassandra", "documentdb"), NO_DATABASE
        ),
        **dict.fromkeys(("s3", "azure-blob", "gcs", "sftp"), NO_SERVICE),
        "api": Refusal("this version calls no API; let a program write what it answers into landing"),
    },
    "destinationConfig.silverConfig.updateStrategy": {
        "custom": Refusal(
            "a rule of one's own between two rows could depend on the order in which runs end; use conflictResolution, or "
            "update_all or update_changed"
        ),
    },
    "destinationConfig.goldConfig.materializationType": {
        "view": Refusal("a view needs a catalog to hold it, and a table is read by everyone; use table or materialized_view")
    },
}


def refusal_of(location: tuple[int | str, ...], value: object) -> str | None:
    """Why an option of a job, or its value, is refused; None where it is unknown. ``location`` is pydantic's."""
    path = ".".join(str(part) for part in location if isinstance(part, str) and part != JOBS)
    refusal = OPTIONS.get(path) or (VALUES.get(path, {}).get(value) if isinstance(value, str) else None)
    return refusal.reason if refusal else None


def without_harmless_options(definition: object) -> object:
    """A workflow's definition without the refused options whose values change nothing."""
    if not isinstance(definition, dict) or not isinstance(definition.get(JOBS), list):
        return definition
    return {**definition, JOBS: [_without_harmless(job, "") for job in definition[JOBS]]}


def without_harmless_job_options(job: Mapping[str, Any]) -> dict[str, Any]:
    """The same of one job's document."""
    return dict(_without_harmless(job, ""))


def _without_harmless(value: Any, path: str) -> Any:
    if isinstance(value, list):
        return [_without_harmless(item, path) for item in value]
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for name, given in value.items():
        inner = f"{path}.{name}".lstrip(".")
        refusal = OPTIONS.get(inner)
        if refusal is None or not refusal.does_no_harm(given):
            kept[name] = _without_harmless(given, inner)
    return kept
