"""From a row of a table to the record that it was made of, and to the file that the record stood in."""

from collections.abc import Iterator, Mapping
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
from flowforge.steps.context import EXECUTION_ID_METADATA
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.known_tables import known_tables
from flowforge.steps.lineage_reader import newest_first
from flowforge.steps.results import read_lineage, read_result
from flowforge.steps.silver_identity import parquet_metadata


@dataclass(frozen=True)
class Record:
    """A row's source: the file as it landed, and the row as Bronze keeps it."""

    source: Parent
    bronze_key: str
    row: Mapping[str, object]


def find_record(lake: Lake, table: LakeTable, *, run_id: str | None, source_file: str, row_number: int) -> Record:
    """The record that a row of a table of any layer was made of, by its ``_run_id``, ``_source_file`` and ``_row_number``.

    Without a run it is that of the newest run that read such a file. What is asked is the job's Bronze, which keeps the files of
    all runs, while a table of one object knows only the run that wrote it last.

    Raises ConfigFault where no such run read such a file, or the file has no such record.
    """
    read: list[str] = []
    for result in _bronze_results(lake, table, run_id):
        landed = {parent.key.rpartition("/")[2]: parent for parent in result.lineage.parents if parent.role == "landing"}
        # What an archive or a workbook holds is called by its name behind that of the file.
        source = landed.get(source_file) or landed.get(source_file.partition("/")[0])
        if source is not None:
            return _record(lake, result, source, source_file, row_number)
        read += landed
    whose = f"run {run_id} of {table.name}" if run_id else f"the runs of {table.name}"
    told = f"read no file {source_file}; what was read is {', '.join(dict.fromkeys(read))}" if read else "left no file in Bronze"
    raise ConfigFault(f"{whose} {told}")


def _bronze_results(lake: Lake, table: LakeTable, run_id: str | None) -> Iterator[StepResult]:
    """The results of Bronze of a run, or of all runs, the newest first."""
    job_id, seen = table.owner.partition("/")[2], set()
    for bronze in known_tables(lake):
        if (bronze.owner, bronze.layer) != (table.owner, Layer.BRONZE):
            continue
        for item in newest_first(bronze.objects(lake)):
            if run_id is not None and run_id not in item.key:
                continue
            with engine_errors(f"{item.key} could not be read"):
                execution_id = parquet_metadata(lake, item.key).get(EXECUTION_ID_METADATA)
            result = read_result(lake, execution_id, job_id, Step.BRONZE_INGEST) if execution_id else None
            if result is not None and execution_id not in seen:
                seen.add(execution_id)
                yield result.model_copy(update={"lineage": read_lineage(lake, result.execution_id, job_id, Step.BRONZE_INGEST)})


def _record(lake: Lake, bronze: StepResult, source: Parent, source_file: str, row_number: int) -> Record:
    found = 0
    for output in bronze.outputs_of("bronze"):
        with engine_errors(f"{output.key} could not be read"):
            rows = scan(lake, output.key).filter(pl.col("_source_file") == source_file)
            wanted = rows.filter(pl.col(ROW_NUMBER) == row_number).collect()
            if wanted.height:
                return Record(source, output.key, wanted.row(0, named=True))
            found += rows.select(pl.len()).collect().item()
    raise ConfigFault(f"{source_file} has no record {row_number}; run {bronze.run_id} read {found} of it")
