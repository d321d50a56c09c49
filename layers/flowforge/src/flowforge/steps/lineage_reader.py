"""Reading lineage back: from a table's object to the results of the run that wrote it, and from there to the source files."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from flowforge.lake.lake import Lake
from flowforge.lake.lake_tables import LakeTable
from flowforge.medallion.bronze import ROW_NUMBER
from flowforge.model.errors import ConfigFault
from flowforge.model.lineage import Parent
from flowforge.model.step import Step, StepResult
from flowforge.model.table_options import Layer
from flowforge.steps.attempt import scan
from flowforge.steps.context import EXECUTION_ID_METADATA, RUN_ID_METADATA
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.results import read_result
from flowforge.steps.silver_identity import parquet_metadata

_LAST_STEP = {
    Layer.BRONZE: Step.BRONZE_INGEST,
    Layer.SILVER: Step.SILVER_TRANSFORM,
    Layer.QUARANTINE: Step.SILVER_TRANSFORM,
    Layer.GOLD: Step.GOLD_PUBLISH,
}


@dataclass(frozen=True)
class Record:
    """A row's source: the file as it landed, and the row as Bronze keeps it."""

    source: Parent
    bronze_key: str
    row: Mapping[str, object]


def run_of_table(lake: Lake, table: LakeTable, run_id: str | None) -> list[StepResult]:
    """The results of a run, from Bronze to the table's layer; of the run that wrote the newest file where none is named.

    Raises ConfigFault for a run that left no file there, or whose results are gone.
    """
    with engine_errors(f"the files of {table.name} could not be read"):
        objects = sorted(table.objects(lake), key=lambda item: (item.last_modified, item.key), reverse=True)
        for item in objects:
            if run_id is not None and table.dated and run_id not in item.key:
                continue
            metadata = parquet_metadata(lake, item.key)
            if run_id in (None, metadata.get(RUN_ID_METADATA)):
                return _results(lake, table, metadata)
    what = f"no file of run {run_id}" if run_id else "no file"
    raise ConfigFault(f"{table.layer}.{table.name} has {what}; a table of one object tells of the run that wrote it last")


def find_record(lake: Lake, results: list[StepResult], *, source_file: str, row_number: int) -> Record:
    """The record that a row of Silver was made of, by the row's ``_source_file`` and ``_row_number``.

    Raises ConfigFault where the run read no such file, or the file has no such record.
    """
    bronze = next(result for result in results if result.step is Step.BRONZE_INGEST)
    objects = [output for output in bronze.outputs if output.role == "bronze"]
    for parent, output in zip(bronze.parents, objects, strict=True):
        if parent.key.rpartition("/")[2] != source_file:
            continue
        with engine_errors(f"{output.key} could not be read"):
            rows = scan(lake, output.key).filter(pl.col(ROW_NUMBER) == row_number).collect()
        if rows.height:
            return Record(parent, output.key, rows.row(0, named=True))
        raise ConfigFault(f"{source_file} has no record {row_number}; it has {output.rows}")
    names = ", ".join(parent.key.rpartition("/")[2] for parent in bronze.parents)
    raise ConfigFault(f"run {bronze.run_id} read no file {source_file}; it read {names}")


def _results(lake: Lake, table: LakeTable, metadata: Mapping[str, str]) -> list[StepResult]:
    execution_id, job_id = metadata.get(EXECUTION_ID_METADATA), table.owner.partition("/")[2]
    found = []
    for step in Step:
        result = read_result(lake, execution_id, job_id, step) if execution_id else None
        if result is not None:
            found.append(result)
        if step is _LAST_STEP[table.layer]:
            break
    if not found or found[0].step is not Step.BRONZE_INGEST:
        raise ConfigFault(f"the results of run {metadata.get(RUN_ID_METADATA)} of {table.name} are not stored any more")
    return found
