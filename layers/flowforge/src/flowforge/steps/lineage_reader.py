"""Reading lineage back: from a table's object to the results of the run that wrote it, and from there to the source files."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from flowforge.lake.lake import Lake
from flowforge.lake.lake_tables import LakeTable
from flowforge.medallion.bronze_source import ROW_NUMBER
from flowforge.model.errors import ConfigFault
from flowforge.model.layer import Layer
from flowforge.model.lineage import Parent
from flowforge.model.step import Step, StepResult
from flowforge.steps.attempt import scan
from flowforge.steps.context import EXECUTION_ID_METADATA, RUN_ID_METADATA
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.results import read_lineage, read_result
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
                return _results(lake, table, metadata, item.key)
    what = f"no file of run {run_id}" if run_id else "no file"
    raise ConfigFault(f"{table.layer}.{table.name} has {what}; a table of one object tells of the run that wrote it last")


def find_record(lake: Lake, results: list[StepResult], *, source_file: str, row_number: int) -> Record:
    """The record that a row of Silver was made of, by the row's ``_source_file`` and ``_row_number``.

    Raises ConfigFault where the run read no such file, or the file has no such record.
    """
    bronze = next((result for result in results if result.step is Step.BRONZE_INGEST), None)
    if bronze is None:
        raise ConfigFault(f"run {results[-1].run_id} read tables and no files; ask for a row of one of those")
    landed = {parent.key.rpartition("/")[2]: parent for parent in bronze.lineage.parents if parent.role == "landing"}
    # What an archive or a workbook holds is called by its name behind that of the file.
    source = landed.get(source_file) or landed.get(source_file.partition("/")[0])
    found = 0
    for output in bronze.outputs_of("bronze") if source else ():
        with engine_errors(f"{output.key} could not be read"):
            rows = scan(lake, output.key).filter(pl.col("_source_file") == source_file)
            wanted = rows.filter(pl.col(ROW_NUMBER) == row_number).collect()
            if source and wanted.height:
                return Record(source, output.key, wanted.row(0, named=True))
            found += rows.select(pl.len()).collect().item()
    if found:
        raise ConfigFault(f"{source_file} has no record {row_number}; it has {found}")
    raise ConfigFault(f"run {bronze.run_id} read no file {source_file}; it read {', '.join(landed)}")


def _results(lake: Lake, table: LakeTable, metadata: Mapping[str, str], key: str) -> list[StepResult]:
    execution_id, job_id = metadata.get(EXECUTION_ID_METADATA), table.owner.partition("/")[2]
    found = []
    for step in Step:
        result = read_result(lake, execution_id, job_id, step) if execution_id else None
        if result is not None:
            told = read_lineage(lake, result.execution_id, job_id, step)
            found.append(result.model_copy(update={"lineage": told}))
        if step is _LAST_STEP[table.layer] or (result and any(output.key == key for output in result.outputs)):
            break
    # A job that reads tables has one step, every other one begins with Bronze.
    if not found or found[0].step not in (Step.BRONZE_INGEST, Step.GOLD_PUBLISH):
        raise ConfigFault(f"the results of run {metadata.get(RUN_ID_METADATA)} of {table.name} are not stored any more")
    return found
