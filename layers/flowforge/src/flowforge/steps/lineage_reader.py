"""Reading lineage back: from a table's object to the results of the run that wrote it, which name the source files."""

from collections.abc import Iterable, Mapping

from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.lake.lake_tables import LakeTable
from flowforge.model.errors import ConfigFault
from flowforge.model.layer import Layer
from flowforge.model.step import Step, StepResult
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


def run_of_table(lake: Lake, table: LakeTable, run_id: str | None) -> list[StepResult]:
    """The results of a run, from Bronze to the table's layer; of the run that wrote the newest file where none is named.

    Raises ConfigFault for a run that left no file there, or whose results are gone.
    """
    with engine_errors(f"the files of {table.name} could not be read"):
        for item in newest_first(table.objects(lake)):
            if run_id is not None and table.dated and run_id not in item.key:
                continue
            metadata = parquet_metadata(lake, item.key)
            if run_id in (None, metadata.get(RUN_ID_METADATA)):
                return _results(lake, table, metadata, item.key)
    what = f"no file of run {run_id}" if run_id else "no file"
    raise ConfigFault(f"{table.layer}.{table.name} has {what}; a table of one object tells of the run that wrote it last")


def newest_first(objects: Iterable[ObjectVersion]) -> list[ObjectVersion]:
    """Objects by the second in which they were published."""
    return sorted(objects, key=lambda item: (item.last_modified, item.key), reverse=True)


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
